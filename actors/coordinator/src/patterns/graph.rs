//! Graph: who speaks after whom is drawn as edges, with conditions, joins and bounded cycles.

mod check;
mod shape;
mod state;

use playhouse_journal::Event;
use playhouse_types::{AgentName, Brief};

use self::shape::{Edge, Join, Shape, Test, When};
use self::state::State;
use crate::{Assignment, ConversationView, Pattern, PatternDecision};

/// Lets the members speak as the edges of a graph lead: `GraphFlow` in AutoGen, `StateGraph` in LangGraph.
///
/// The members are the nodes. All entries speak first, at the same time; when they have ended, those to whom the taken
/// edges lead, and so on in waves: the order in which the turns of a wave end changes nothing. A node sees the whole
/// conversation. A crew can be a node.
///
/// - [`Graph::edge`] is taken whenever its node has spoken, [`Graph::edge_if`] if a pure function of what it said says so,
///   and [`Graph::edge_on_failure`] if its turn brought nothing. All edges that hold are taken. Who gives the floor to
///   another node (a handoff) takes the edge that leads there and no other.
/// - A node to which several lead speaks each time one of them leads there, once per wave ([`Graph::join_any`], also
///   without saying so), or only when all of them have ([`Graph::join_all`]).
/// - A cycle needs a condition and [`Graph::max_visits`].
///
/// The conversation ends as concluded when no edge leads on and the last nodes were exits. It ends as limited if a node is
/// reached more often than allowed or its turn hits a limit, and as failed, naming node or edge, if a turn brought nothing
/// and no failure edge leads on, if no condition of a node holds that is no exit, if a condition panics, or if a join waits
/// for a node that is not coming. What was said is kept.
///
/// ```
/// use playhouse_coordinator::Graph;
/// use playhouse_types::AgentName;
///
/// let [writer, critic, printer] = ["writer", "critic", "printer"].map(|name| AgentName::new(name).expect("is a name"));
/// let graph = Graph::new()
///     .entry(writer.clone())
///     .edge(writer.clone(), critic.clone())
///     .edge_if(critic.clone(), writer, "again", |text| text.contains("AGAIN"))
///     .edge_if(critic, printer.clone(), "good", |text| text.contains("GOOD"))
///     .exit(printer)
///     .max_visits(5);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Graph {
    shape: Shape,
    state: State,
}

impl Graph {
    /// Makes a graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a node speak first, at the same time as other entries.
    pub fn entry(mut self, node: impl Into<AgentName>) -> Self {
        self.shape.entries.insert(node.into());
        self
    }

    /// Allows the conversation to end at a node, if none of its edges is taken.
    pub fn exit(mut self, node: impl Into<AgentName>) -> Self {
        self.shape.exits.insert(node.into());
        self
    }

    /// Leads from a node to another whenever it has spoken.
    pub fn edge(self, from: impl Into<AgentName>, to: impl Into<AgentName>) -> Self {
        self.with_edge(from.into(), to.into(), When::Always)
    }

    /// Leads from a node to another if a pure function of what it said says so. Its name is for records and errors.
    pub fn edge_if(
        self,
        from: impl Into<AgentName>,
        to: impl Into<AgentName>,
        name: impl Into<String>,
        test: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.with_edge(from.into(), to.into(), When::If { name: name.into(), test: Test::new(test) })
    }

    /// Leads from a node to another if its turn brought nothing: a limit was reached, no reply fitted, it was skipped.
    pub fn edge_on_failure(self, from: impl Into<AgentName>, to: impl Into<AgentName>) -> Self {
        self.with_edge(from.into(), to.into(), When::Failed)
    }

    /// Lets a node speak only when every node that leads to it has done so since it last spoke.
    pub fn join_all(mut self, node: impl Into<AgentName>) -> Self {
        self.shape.joins.push((node.into(), Join::All));
        self
    }

    /// Lets a node speak each time that a node leads to it, once per wave. This is so if nothing else is said.
    pub fn join_any(mut self, node: impl Into<AgentName>) -> Self {
        self.shape.joins.push((node.into(), Join::Any));
        self
    }

    /// Bounds how often each node speaks, from 1.
    pub const fn max_visits(mut self, count: u32) -> Self {
        self.shape.max_visits = Some(count);
        self
    }

    fn with_edge(mut self, from: AgentName, to: AgentName, when: When) -> Self {
        let edge = Edge { from: from.clone(), to, when };
        self.shape.edges.entry(from).or_default().push(edge);
        self
    }
}

impl Pattern for Graph {
    fn decide(&self, view: &ConversationView<'_>) -> PatternDecision {
        let next = match self.state.next(&self.shape) {
            Ok(next) => next,
            Err(outcome) => return PatternDecision::Conclude(outcome),
        };
        // In the order of the crew; who is not in it comes first, where the crew takes offence.
        let strangers = next.ready.iter().filter(|node| !view.agents.contains(node));
        let nodes = strangers.chain(view.agents.iter().filter(|node| next.ready.contains(*node)));
        let turns = nodes.map(|node| {
            let reason = format!("wave {}, {}", next.wave, self.state.visit_of(node));
            // The note makes a turn without a reply a matter of the graph, and tells a new wave from a turn given again.
            Assignment::new(node.clone(), reason).with(Brief::default().noting(next.note()))
        });
        PatternDecision::Speak(turns.collect())
    }

    fn apply(&mut self, event: &Event) {
        self.state.apply(&self.shape, event);
    }

    fn has_own_end(&self) -> bool {
        true
    }

    fn faults(&self, members: &[AgentName]) -> Vec<String> {
        check::faults(&self.shape, members)
    }

    fn describe(&self) -> String {
        self.shape.describe()
    }

    fn boxed(&self) -> Box<dyn Pattern> {
        Box::new(self.clone())
    }

    fn save(&self) -> Option<Vec<u8>> {
        postcard::to_stdvec(&self.state).ok()
    }

    fn restore(&mut self, state: &[u8]) -> bool {
        postcard::from_bytes(state).map(|state| self.state = state).is_ok()
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
