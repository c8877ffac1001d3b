//! `invoice-review` with a model behind an OpenAI-compatible endpoint instead of scripts.

use playhouse_tests::{Answer, AskedModel, CaseFolder, Endpoint, Playhouse, Reply};
use serde_json::json;

/// Plays all four agents: knows each by its tools, and the case by the opening message.
pub(crate) fn crew(asked: &AskedModel) -> Answer {
    let opening = asked.messages().iter().find_map(|message| {
        let content = message["content"].as_str()?;
        content.split("Settle case `").nth(1)?.split('`').next()
    });
    let case = opening.expect("the case is named").to_owned();
    let reply = if asked.has_tool("release_payment") {
        cashier(asked, &case)
    } else if asked.has_tool("list_documents") {
        reader(asked)
    } else {
        match asked.answers_of("search_policy").first() {
            None => Reply::call("search_policy", &json!({ "query": "agree agreement pay", "limit": 1 })),
            Some((_, clauses)) => Reply::say(format!("The clause that applies: {clauses}")),
        }
    };
    Answer::Reply(reply)
}

/// Lists the documents, reads them all in one reply, and says what they hold.
fn reader(asked: &AskedModel) -> Reply {
    let Some((_, list)) = asked.answers_of("list_documents").pop() else {
        return Reply::call("list_documents", &json!({}));
    };
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let read = asked.answers_of("read_document");
    let files = list["documents"].as_array().unwrap();
    if read.len() < files.len() {
        let calls = files.iter().enumerate();
        return calls.fold(Reply::say("Reading."), |reply, (number, document)| {
            let arguments = json!({ "file": document["file"] }).to_string();
            reply.and_call(&format!("call_{number}"), "read_document", &arguments)
        });
    }
    let gross = read.iter().find_map(|(_, answer)| answer.split("gross").nth(1)).unwrap_or_default();
    Reply::say(format!("{} documents were read; gross {gross}", files.len()))
}

/// Pays what is due to Ahorn and leaves everything else to a person.
fn cashier(asked: &AskedModel, case: &str) -> Reply {
    let why = json!({ "confidence": 0.9, "clauses": ["1.1"], "reasons": ["as the auditor says"] });
    let with = |mut arguments: serde_json::Value| {
        arguments.as_object_mut().unwrap().extend(why.as_object().unwrap().clone());
        arguments
    };
    let (tool, decision) = if case == "ahorn" { ("release_payment", "pay") } else { ("ask_person", "ask") };
    let arguments = if decision == "pay" {
        with(json!({
            "case": case, "supplier": "Ahorn Bürobedarf GmbH", "invoice": "4711", "amount_minor": 64_617, "currency": "EUR",
        }))
    } else {
        with(json!({ "case": case, "amount_minor": null, "currency": null }))
    };
    match asked.answers_of(tool).first() {
        None => Reply::call(tool, &arguments),
        Some(_) => {
            let result = with(
                json!({ "case": case, "decision": decision, "amount_minor": arguments["amount_minor"], "currency": arguments["currency"] }),
            );
            Reply::say(format!("CLOSED {case}: done.\n{result}"))
        }
    }
}

#[test]
fn any_model_of_a_compatible_endpoint_drives_the_crew_to_its_end() {
    let endpoint = Endpoint::start(|asked| {
        assert_eq!(asked.model(), "any-name");
        assert!(asked.is_streamed() && asked.authorization().is_none());
        assert!(asked.instructions().len() > 100, "{}", asked.instructions());
        crew(asked)
    });
    let folder = CaseFolder::new(&[]).copy("ahorn-4711", "ahorn", &[]).copy("dorn-1001", "dorn", &[]);
    let playhouse = Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url());
    let arguments =
        ["run", "invoice-review", "--json", "--model", "any-name", "--input-dir", folder.argument()];
    let finished = playhouse.run(&arguments).with_code(0);
    let results = finished.json();
    assert_eq!(
        (&results[0]["decision"], &results[1]["decision"]),
        (&json!("pay"), &json!("ask")),
        "{results:#}"
    );
    let ledger = playhouse.ledger();
    assert_eq!(ledger.iter().map(|line| line.amount_minor).collect::<Vec<_>>(), [64_617]);
    // Clerk and auditor ask three times, analyst and cashier twice, for each of two cases.
    assert_eq!(endpoint.n_requests(), 20);
    assert!(endpoint.n_connections() <= 2, "{} connections", endpoint.n_connections());
    let shown = playhouse.run(&["show", "last", "--json"]).with_code(0).json();
    assert_eq!(shown["usage"]["model_calls"], 20, "{shown:#}");
    assert!(shown["usage"]["input_tokens"].as_u64() == Some(200), "{shown:#}");
    assert_eq!(shown["usage"]["cost_microusd"], json!(null), "the price of `any-name` is not known");
}

#[test]
fn a_key_is_sent_and_shown_nowhere() {
    let endpoint = Endpoint::start(|asked| {
        assert_eq!(asked.authorization(), Some("Bearer sk-canary"));
        crew(asked)
    });
    let folder = CaseFolder::new(&[]).copy("dorn-1001", "dorn", &[]);
    let playhouse =
        Playhouse::new().with("OPENAI_BASE_URL", endpoint.base_url()).with("OPENAI_API_KEY", "sk-canary");
    let arguments = ["run", "invoice-review", "--model", "any-name", "--input-dir", folder.argument()];
    let finished = playhouse.run(&arguments).with_code(0);
    let journal = playhouse.run(&["journal", "last", "--canonical"]).with_code(0);
    for text in [&finished.stdout, &finished.stderr, &journal.stdout] {
        assert!(!text.contains("sk-canary"), "{text}");
    }
}
