use super::*;

fn class(intent: Intent, status: u16, code: &str) -> ErrorClass {
    let body = ErrorBody {
        code: code.into(),
        message: "words".into(),
        details: None,
    };
    from_answer(
        intent,
        "create server `a`",
        StatusCode::from_u16(status).expect("a status"),
        Some(body),
        None,
    )
    .class
}

#[test]
fn no_code_is_classed_twice() {
    for (index, (code, ..)) in TABLE.iter().enumerate() {
        assert!(
            TABLE[..index].iter().all(|(earlier, ..)| earlier != code),
            "`{code}` is there twice"
        );
    }
}

#[test]
fn what_can_never_work_is_not_retried() {
    for (status, code) in [
        (422, "invalid_input"),
        (401, "unauthorized"),
        (403, "resource_limit_exceeded"),
    ] {
        assert_eq!(class(Intent::Create, status, code), ErrorClass::Stop, "{code}");
    }
    assert_eq!(class(Intent::Create, 418, "teapot"), ErrorClass::Stop);
}

#[test]
fn a_create_with_an_unknown_outcome_is_unsettled_and_a_read_is_repeated() {
    assert_eq!(class(Intent::Create, 502, "bad_gateway"), ErrorClass::Unsettled);
    assert_eq!(class(Intent::Create, 504, "timeout"), ErrorClass::Unsettled);
    assert_eq!(class(Intent::Repeatable, 502, "bad_gateway"), ErrorClass::Retry);
    assert_eq!(class(Intent::Create, 423, "locked"), ErrorClass::Retry);
    assert_eq!(class(Intent::Create, 503, "unavailable"), ErrorClass::Retry);
}

#[test]
fn the_field_and_the_reason_reach_the_reader() {
    let details = serde_json::json!({"fields": [{"name": "user_data", "messages": ["too long"]}]});
    let body = ErrorBody {
        code: "invalid_input".into(),
        message: "invalid".into(),
        details: Some(details),
    };
    let error = from_answer(
        Intent::Create,
        "create server `a`",
        StatusCode::UNPROCESSABLE_ENTITY,
        Some(body),
        Some("abc".into()),
    );
    assert_eq!(
        error.to_string(),
        "cannot create server `a`: invalid (invalid_input); field `user_data`: too long [request abc]"
    );
}
