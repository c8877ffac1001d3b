//! Asking a person at the terminal, one review after the other. Pure: questions and lines in, text and answers out.

use std::collections::VecDeque;

use playhouse_types::{ReviewId, RunId, Verdict};

use super::json_lines::json_lines;
use super::style::Style;
use super::text::{block, one_line};
use crate::conversation::Review;

/// How many characters of a reason are shown.
const REASON_CHARS: usize = 600;

/// A review to ask about, under the name that the person knows its run by.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) run: RunId,
    pub(crate) name: String,
    pub(crate) review: Review,
}

/// What the next line means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Choose,
    Arguments,
    Reason,
    Output,
}

/// What a person has said about a review.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// An answer.
    Answer(Verdict),
    /// Nothing for now: the review waits on.
    Leave,
}

/// The reviews that a person is asked about.
#[derive(Debug)]
pub(crate) struct Prompt {
    style: Style,
    /// The first one is asked, the others wait.
    questions: VecDeque<Question>,
    step: Step,
    /// Whether the first question has been shown, but not yet how to answer it.
    is_new: bool,
}

impl Prompt {
    pub(crate) const fn new(style: Style) -> Self {
        Self { style, questions: VecDeque::new(), step: Step::Choose, is_new: false }
    }

    /// Tells whether the next line is an answer.
    pub(crate) fn is_asking(&self) -> bool {
        !self.questions.is_empty()
    }

    /// Tells whether a review of the run is asked or waits to be.
    pub(crate) fn has_run(&self, run: RunId) -> bool {
        self.questions.iter().any(|question| question.run == run)
    }

    /// Tells whether a review is asked or waits to be.
    pub(crate) fn has(&self, run: RunId, review: ReviewId) -> bool {
        self.questions.iter().any(|question| question.run == run && question.review.review == review)
    }

    /// Returns how to answer the question that has just been shown, once: what is typed from then on answers it.
    pub(crate) fn new_choices(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_new).then(|| self.choices())
    }

    /// Takes a question; returns its text if it is asked at once.
    pub(crate) fn ask(&mut self, question: Question) -> String {
        self.questions.push_back(question);
        if self.questions.len() == 1 { self.current() } else { String::new() }
    }

    /// Forgets questions that need no answer any more; returns what to print if one was being asked.
    pub(crate) fn keep(&mut self, is_open: impl Fn(RunId, ReviewId) -> bool) -> String {
        let is_kept = |question: &Question| is_open(question.run, question.review.review);
        let was_first = self.questions.front().is_some_and(|first| !is_kept(first));
        self.questions.retain(is_kept);
        if !was_first {
            return String::new();
        }
        let line = self.style.dim("  (it needs no answer any more)");
        format!("\n{line}\n{}", self.current())
    }

    /// Takes a line; `None` is the end of input. Returns what was said about which review, and what to print.
    pub(crate) fn take(&mut self, line: Option<&str>) -> (Option<(RunId, Review, Said)>, String) {
        let Some(question) = self.questions.front() else { return (None, String::new()) };
        let text = line.unwrap_or_default().trim();
        if text.is_empty() {
            return self.finish(Said::Leave);
        }
        let text = text.to_owned();
        match (self.step, question.review.review) {
            (Step::Arguments, _) => self.finish(Said::Answer(Verdict::ApproveWith { arguments: text })),
            (Step::Reason, _) => self.finish(Said::Answer(Verdict::Reject { reason: text })),
            (Step::Output, _) => self.finish(Said::Answer(Verdict::Landed { output: text })),
            (Step::Choose, ReviewId::Question(_)) => self.finish(Said::Answer(Verdict::Answer { text })),
            (Step::Choose, review) => match (review, text.to_ascii_lowercase().as_str()) {
                (ReviewId::Approval(_), "a" | "approve") => self.finish(Said::Answer(Verdict::Approve)),
                (ReviewId::Approval(_), "e" | "edit") => self.go_to(Step::Arguments),
                (ReviewId::Approval(_), "r" | "reject") => self.go_to(Step::Reason),
                (ReviewId::Doubt(_), "h" | "happened") => self.go_to(Step::Output),
                (ReviewId::Doubt(_), "n" | "no") => self.finish(Said::Answer(Verdict::DidNotHappen)),
                (ReviewId::Doubt(_), "x" | "abandon") => self.finish(Said::Answer(Verdict::Abandon)),
                _ => (None, format!("  \"{}\" is none of them\n{}", one_line(&text, 40), self.choices())),
            },
        }
    }

    fn go_to(&mut self, step: Step) -> (Option<(RunId, Review, Said)>, String) {
        self.step = step;
        (None, self.choices())
    }

    fn finish(&mut self, said: Said) -> (Option<(RunId, Review, Said)>, String) {
        self.step = Step::Choose;
        let about = self.questions.pop_front().map(|question| (question.run, question.review, said));
        (about, self.current())
    }

    /// Shows the question that is asked now, without how to answer it.
    fn current(&mut self) -> String {
        self.step = Step::Choose;
        self.is_new = self.is_asking();
        let Some(Question { name, review, .. }) = self.questions.front() else { return String::new() };
        let request = &review.request;
        let what = match review.review {
            ReviewId::Question(_) => format!("{} asks", request.agent),
            ReviewId::Doubt(_) => {
                format!("nobody knows whether {} of {} was done", request.tool, request.agent)
            }
            _ => format!("{} wants to call {}", request.agent, one_line(&request.tool, REASON_CHARS)),
        };
        let why = match review.review {
            ReviewId::Question(_) => String::new(),
            _ => format!("  because: {}\n", one_line(&request.reason, REASON_CHARS)),
        };
        let title = self.style.strong(&format!("?? {}, {}: {what}", one_line(name, 80), review.review));
        let subject = block(&json_lines(&request.arguments), "  ");
        format!("\n{title}\n{why}  {subject}\n")
    }

    fn choices(&self) -> String {
        let review = self.questions.front().map(|question| question.review.review);
        match (self.step, review) {
            (Step::Arguments, _) => "  new arguments as JSON in one line> ",
            (Step::Reason, _) => "  why> ",
            (Step::Output, _) => "  what the tool would have answered> ",
            (Step::Choose, Some(ReviewId::Question(_))) => "  answer, or Enter to leave it open> ",
            (Step::Choose, Some(ReviewId::Doubt(_))) => {
                "  h it happened, n it did not, x go on without knowing, Enter to leave it open> "
            }
            (Step::Choose, _) => "  a approve, e edit, r reject, Enter to leave it open> ",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Prompt, Question, Said};
    use crate::Conversation;
    use crate::test_records::{RUN, approval_run, call, records};
    use crate::view::Style;
    use playhouse_types::{ReviewId, Verdict};

    fn question(review: ReviewId) -> Question {
        let mut found = Conversation::fold(&records(approval_run())).reviews()[0].clone();
        found.review = review;
        Question { run: RUN, name: "ahorn".to_owned(), review: found }
    }

    /// Types lines at one question and returns what was said in the end.
    fn typed(review: ReviewId, lines: &[Option<&str>]) -> Option<Said> {
        let mut prompt = Prompt::new(Style::Plain);
        assert!(
            prompt.ask(question(review)).contains("because: a letter")
                || matches!(review, ReviewId::Question(_))
        );
        lines.iter().map(|line| prompt.take(*line).0).last().flatten().map(|(_, _, said)| said)
    }

    #[test]
    fn keys_become_answers() {
        let call = call(1, 1, 0);
        let (approval, question, doubt) =
            (ReviewId::Approval(call), ReviewId::Question(call), ReviewId::Doubt(call));
        let text = || "so be it".to_owned();
        for (review, lines, expected) in [
            (approval, vec!["a"], Verdict::Approve),
            (approval, vec!["what?", " Approve "], Verdict::Approve),
            (approval, vec!["e", "{}"], Verdict::ApproveWith { arguments: "{}".to_owned() }),
            (approval, vec!["r", "so be it"], Verdict::Reject { reason: text() }),
            (question, vec!["so be it"], Verdict::Answer { text: text() }),
            (doubt, vec!["h", "so be it"], Verdict::Landed { output: text() }),
            (doubt, vec!["n"], Verdict::DidNotHappen),
            (doubt, vec!["x"], Verdict::Abandon),
        ] {
            let lines: Vec<_> = lines.into_iter().map(Some).collect();
            assert_eq!(typed(review, &lines), Some(Said::Answer(expected)));
        }
    }

    #[test]
    fn an_empty_line_or_the_end_of_input_leaves_a_review_open() {
        let approval = ReviewId::Approval(call(1, 1, 0));
        for lines in [vec![Some("")], vec![None], vec![Some("r"), Some(" ")], vec![Some("e"), None]] {
            assert_eq!(typed(approval, &lines), Some(Said::Leave));
        }
    }

    #[test]
    fn one_review_is_asked_after_the_other_and_what_somebody_else_answers_is_dropped() {
        let (first, second) = (ReviewId::Approval(call(1, 1, 0)), ReviewId::Doubt(call(1, 1, 1)));
        let mut prompt = Prompt::new(Style::Plain);
        assert!(prompt.ask(question(first)).contains("wants to call send"));
        assert_eq!(prompt.ask(question(second)), "");
        assert_eq!(prompt.keep(|_, _| true), "");
        let shown = prompt.keep(|_, review| review == second);
        assert!(shown.contains("no answer any more") && shown.contains("nobody knows"), "{shown}");
        assert!(prompt.has(RUN, second) && !prompt.has(RUN, first) && prompt.has_run(RUN));
        let _ = prompt.take(Some("n"));
        assert!(!prompt.is_asking());
    }

    #[test]
    fn each_question_says_once_how_to_answer_it() {
        let (first, second) = (ReviewId::Approval(call(1, 1, 0)), ReviewId::Doubt(call(1, 1, 1)));
        let mut prompt = Prompt::new(Style::Plain);
        assert_eq!(prompt.new_choices(), None);
        let _ = prompt.ask(question(first));
        assert!(prompt.new_choices().unwrap().contains("a approve"));
        let _ = prompt.ask(question(second));
        assert_eq!(prompt.new_choices(), None);
        let _ = prompt.take(Some("r"));
        assert_eq!(prompt.new_choices(), None);
        let _ = prompt.take(Some("no"));
        assert!(prompt.new_choices().unwrap().contains("h it happened"));
        let _ = prompt.keep(|_, _| false);
        assert_eq!(prompt.new_choices(), None);
    }
}
