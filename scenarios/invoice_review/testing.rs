//! What tests of several files need: folders of cases, and what the runtime would hand to a tool.

use std::{fs, path::Path};

use playhouse::prelude::{AgentName, EffectKeys, ToolContext};
use playhouse_types::{CallId, RunId, Step, TenantId, TraceContext, TurnId};
use tempfile::TempDir;

use super::input::{self, Case};

pub(crate) const INVOICE: &str = r#"{"invoice_number": "A-1", "supplier": "Ahorn GmbH", "supplier_iban": "DE02",
    "date": "2026-03-31", "currency": "EUR", "purchase_order": "PO-7", "net": 100.00, "vat_rate": 19,
    "vat": 19.00, "gross": 119.00,
    "lines": [{"sku": "PEN", "description": "Pen", "quantity": 10, "unit_price": 10.00}]}"#;

pub(crate) const ORDER: &str = r#"{"number": "PO-7", "supplier": "Ahorn GmbH", "supplier_iban": "DE02",
    "currency": "EUR", "lines": [{"sku": "PEN", "quantity": 10, "unit_price": 10.00}]}"#;

pub(crate) const RECEIPT: &str = r#"{"purchase_order": "PO-7", "date": "2026-03-30",
    "lines": [{"sku": "PEN", "quantity": 10}]}"#;

/// A folder of cases under the shipped policy.
pub(crate) struct Folder(pub(crate) TempDir);

impl Folder {
    /// Makes a folder without cases.
    pub(crate) fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        let policy = Path::new(input::SHIPPED_CASES).join("policy.md");
        folder.write("policy.md", &fs::read(policy).unwrap());
        folder
    }

    /// Makes a folder with the case `a`, in which everything agrees.
    pub(crate) fn with_case() -> Self {
        let folder = Self::new();
        folder.write("a/invoice.json", INVOICE.as_bytes());
        folder.write("a/purchase_order.json", ORDER.as_bytes());
        folder.write("a/receipt.json", RECEIPT.as_bytes());
        folder
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        input::load_cases(self.0.path()).unwrap().into_iter().map(|(_, case)| case).collect()
    }

    /// Returns the first case.
    pub(crate) fn case(&self) -> Case {
        self.cases().remove(0)
    }
}

/// Makes the circumstances of a call in a run over `case`, with `key` as its idempotency key.
pub(crate) fn context(case: &Case, key: &str) -> ToolContext {
    ToolContext {
        run: RunId::from_u128(1),
        case: None,
        tenant: TenantId::default(),
        agent: AgentName::new("tester").unwrap(),
        call: CallId { turn: TurnId(1), step: Step(1), ordinal: 0 },
        keys: EffectKeys { idempotency: key.to_owned(), intent: None },
        attempt: 1,
        timeout: std::time::Duration::from_secs(5),
        cancel: tokio_util::sync::CancellationToken::new(),
        trace: TraceContext::default(),
        data_dir: std::path::PathBuf::new(),
        input: serde_json::to_string(case).unwrap().into(),
    }
}
