use std::path::Path;

use rust_decimal::Decimal;

use super::super::{amount::Amount, currency::Currency};
use super::{
    figures::{PaymentLimit, QuantityTolerance},
    *,
};

const TABLE: &str = "\
2.1 Price.

2.2 Everything
else.

| clause | rule | value |
|---|---|---|
| 2.1 | price tolerance | 2.0 % |
| 2.2 | quantity tolerance | 1 unit |
| 2.2 | allowed VAT rates | 7 %; 19 % |
| 2.2 | payment limit | 10,000.00 |
| 2.2 | minimum confidence | 0.80 |
";

fn shipped() -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/invoice-review/policy.md");
    Policy::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn amount(text: &str) -> Amount {
    Amount::try_from(Decimal::from_str_exact(text).unwrap()).unwrap()
}

#[track_caller]
fn figures(from: &str, to: &str) -> Figures {
    Policy::parse(&TABLE.replace(from, to)).unwrap().figures().clone()
}

#[test]
fn figures_are_read_from_the_table() {
    let expected = Figures {
        price_tolerance_percent: amount("2.0"),
        quantity_tolerance: QuantityTolerance::Units(amount("1")),
        payment_limit: PaymentLimit { amount: amount("10000.00"), currency: None },
        vat_rates_percent: [amount("7"), amount("19")].into(),
        minimum_confidence: amount("0.80"),
    };
    assert_eq!(figures("", ""), expected);
}

#[test]
fn figures_may_be_written_in_several_ways() {
    let rates = |text| figures("7 %; 19 %", text).vat_rates_percent;
    assert_eq!(rates("7, 19"), [amount("7"), amount("19")].into());
    assert_eq!(rates("7.7 / 19%"), [amount("7.7"), amount("19")].into());
    let tolerance = |text| figures("1 unit", text).quantity_tolerance;
    assert_eq!(tolerance("0.5"), QuantityTolerance::Units(amount("0.5")));
    assert_eq!(tolerance("5%"), QuantityTolerance::Percent(amount("5")));
    let limit = |text| figures("10,000.00", text).payment_limit;
    let eur = Currency::try_from("EUR".to_owned()).unwrap();
    assert_eq!(limit("500 EUR"), PaymentLimit { amount: amount("500"), currency: Some(eur) });
    assert_eq!(limit("5,000").amount, amount("5000"));
    assert_eq!(figures("0.80", "75 %").minimum_confidence, amount("0.75"));
    assert_eq!(figures("price tolerance", "Tolerance of unit PRICE"), figures("", ""));
}

#[track_caller]
fn check_error(from: &str, to: &str, expected: &str) {
    let error = Policy::parse(&TABLE.replace(from, to)).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn errors_name_the_row_or_the_clause() {
    let row = "the policy has no row for `payment limit` in its table `| clause | rule | value |`";
    check_error("| 2.2 | payment limit | 10,000.00 |\n", "", row);
    check_error(
        "| 2.1 | price",
        "| 2.1 | price tolerance | 3 % |\n| 2.1 | price",
        "the policy has two rows for `price tolerance`: `3 %` and `2.0 %`",
    );
    check_error(
        "2.0 %",
        "two",
        "the policy row `price tolerance` has the value `two`, which is not a percentage of 0 or \
         more, such as `2.0 %`",
    );
    check_error(
        "| 10,000.00",
        "| -1",
        "the policy row `payment limit` has the value `-1`, which is not an amount of 0 or more, \
         such as `10,000.00` or `10,000.00 EUR`",
    );
    check_error(
        "0.80",
        "80",
        "the policy row `minimum confidence` has the value `80`, which is not a confidence from 0 \
         to 1, such as `0.80` or `80 %`",
    );
    check_error(
        "7 %; 19 %",
        "none",
        "the policy row `allowed VAT rates` has the value `none`, which is not a list of rates, \
         such as `0 %; 7 %; 19 %`",
    );
    check_error(
        "| 2.1 |",
        "| 9.9 |",
        "the policy row `price tolerance` names the clause `9.9`, which is not in the text",
    );
    check_error("2.2 Everything", "2.1 Everything", "the policy has two clauses `2.1`");
}

#[test]
fn a_figure_with_two_readings_is_refused() {
    let text = TABLE.replace("2.0 %", "2 %").replace("0.80", "1").replace("10,000.00", "10,000");
    let error = Policy::parse(&text).unwrap_err();
    assert!(matches!(error, PolicyError::BadValue { rule, .. } if rule == "payment limit"));
}

#[test]
fn clauses_keep_number_title_words_and_figures() {
    let text = format!("# Policy\n\nProse of 2026.\n\n## Prices\n\n- **10.** The\n  limit\n\n{TABLE}");
    let policy = Policy::parse(&text).unwrap();
    let clause = |number, title: &str, text: &str| {
        let clauses = policy.clauses().iter();
        let clause = clauses.clone().find(|clause| clause.number == ClauseNumber::new(number)).unwrap();
        assert_eq!((clause.title.as_str(), clause.text.as_str()), (title, text));
        clause.figures.len()
    };
    assert_eq!(clause("10", "Prices", "The limit"), 0);
    assert_eq!(clause("2.1", "Prices", "Price."), 1);
    assert_eq!(clause("2.2", "Prices", "Everything else."), 4);
    assert_eq!(policy.clauses().len(), 3);
}

#[test]
fn each_rule_finds_its_clause() {
    let clauses = [
        (Rule::Agreement, "1.1"),
        (Rule::Instructions, "1.2"),
        (Rule::UnreadableEmail, "1.3"),
        (Rule::Price, "2.1"),
        (Rule::NotOrdered, "2.2"),
        (Rule::Quantity, "2.3"),
        (Rule::VatRate, "3.1"),
        (Rule::VatAmount, "3.2"),
        (Rule::Sums, "3.3"),
        (Rule::Currency, "3.4"),
        (Rule::Duplicate, "4.1"),
        (Rule::NoOrder, "5.1"),
        (Rule::BankDetails, "5.2"),
        (Rule::Limit, "5.3"),
        (Rule::CreditNote, "5.4"),
        (Rule::Documents, "6.1"),
        (Rule::Contradiction, "6.2"),
        (Rule::Confidence, "6.3"),
    ];
    let policy = shipped();
    for (rule, number) in clauses {
        assert_eq!(policy.clause(rule), Some(ClauseNumber::new(number)), "{rule:?}");
    }
    assert_eq!(clauses.map(|(rule, _)| rule), Rule::ALL);
}

#[test]
fn clauses_found_for_all_rules_are_enough_to_decide_by() {
    let policy = shipped();
    let found = Rule::ALL.iter().flat_map(|rule| policy.search(rule.query(), 1)).collect();
    let rebuilt = Policy::from_clauses(found).unwrap();
    assert_eq!(rebuilt.figures(), policy.figures());
    for rule in Rule::ALL {
        assert_eq!(rebuilt.clause(rule), policy.clause(rule));
    }
}

#[test]
fn search_ranks_by_shared_words_and_keeps_to_its_limit() {
    let policy = shipped();
    let numbers = |query: &str, limit| -> Vec<String> {
        policy.search(query, limit).iter().map(|clause| clause.number.to_string()).collect()
    };
    assert_eq!(numbers("What is the payment LIMIT?", 1), ["5.3"]);
    assert_eq!(numbers("tolerance", 2), ["2.1", "2.3"]);
    assert_eq!(numbers("tolerance", 0), Vec::<String>::new());
    assert_eq!(numbers("zebra of the", 5), Vec::<String>::new());
}

#[test]
fn policies_survive_being_passed_on_as_clauses() {
    let policy = shipped();
    let stored = serde_json::to_string(policy.clauses()).unwrap();
    assert_eq!(Policy::from_clauses(serde_json::from_str(&stored).unwrap()).unwrap(), policy);
}
