//! Which model an agent of a live run asks: read at each start of the agent, so that it can be replaced.

use std::sync::{Arc, PoisonError, RwLock};

use playhouse_messages::{Model, RequestHeader};

use super::endpoints::AgentModel;

/// A client with the header of the requests to it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) header: Arc<RequestHeader>,
    pub(crate) header_hash: [u8; 32],
}

/// The model of one agent. Clones share it.
#[derive(Clone)]
pub(crate) struct ModelSlot(Arc<RwLock<Asked>>);

impl ModelSlot {
    pub(crate) fn new(model: &AgentModel, header: RequestHeader) -> Self {
        Self(Arc::new(RwLock::new(asked(model, header))))
    }

    /// Returns the model for the agent's next start.
    pub(crate) fn get(&self) -> Asked {
        // A poisoned lock holds a whole value all the same.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another model in place, for the agent's next start.
    pub(crate) fn replace(&self, model: &AgentModel) {
        let mut slot = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let header = RequestHeader { model: model.name.clone(), ..slot.header.as_ref().clone() };
        *slot = asked(model, header);
    }
}

fn asked(model: &AgentModel, header: RequestHeader) -> Asked {
    Asked { model: Arc::clone(&model.client), header_hash: header.hash(), header: Arc::new(header) }
}
