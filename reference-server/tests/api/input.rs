//! What is not a request is refused, and is no guess.

use serde_json::json;

use super::world::{Answer, OWNER, PASSWORD, Phone, World};

async fn post(world: &World, path: &str, bearer: &str, content_type: &[&str], body: &[u8]) -> Answer {
    let mut request = http::Request::builder()
        .method("POST")
        .uri(path)
        .header("app-version", "2.3.0")
        .header("authorization", format!("Bearer {bearer}"));
    for line in content_type {
        request = request.header("content-type", *line);
    }
    world.send(request.body(body.to_vec()).unwrap()).await
}

#[tokio::test]
async fn only_json_by_name_is_json() {
    let world = World::new().await;
    let body = json!({"email": OWNER, "password": PASSWORD}).to_string();
    for (lines, status) in [
        (&["application/json"][..], 202),
        (&["application/json; charset=utf-8"], 202),
        (&["Application/JSON;charset=\"UTF-8\""], 202),
        (&["application/json; charset=utf-16"], 415),
        (&["application/json", "text/plain"], 415),
        (&["text/plain"], 415),
        (&["application/x-www-form-urlencoded"], 415),
        (&[], 415),
    ] {
        let answer = post(&world, "/v1/accounts", "", lines, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{lines:?}");
    }
}

#[tokio::test]
async fn a_malformed_guess_is_no_guess() {
    let world = World::new().await;
    world.create(OWNER).await;
    let mut phone = Phone::new("a");
    world.sign_in(&mut phone, OWNER, PASSWORD).await;
    let code = world.code(&phone);
    let deep = format!(r#"{{"code":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    let long = format!(r#"{{"code":"{}"}}"#, "0".repeat(65));
    let more = format!(r#"{{"code":"{code}","account":"victim"}}"#);
    let twice = format!(r#"{{"code":"000000","code":"{code}"}}"#);
    let after = format!(r#"{{"code":"{code}"}}{{"code":"{code}"}}"#);
    let many = format!(r#"{{"code":["{code}"]}}"#);
    let array = format!(r#"["{code}", true]"#);
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "NaN",
        "{}",
        r#"{"code":null}"#,
        r#"{"code":12345}"#,
        r#"{"code":true}"#,
        r#"{"code":{"$ne":null}}"#,
        r#"{"code":""}"#,
        "\u{feff}{}",
        &deep,
        &long,
        &more,
        &twice,
        &after,
        &many,
        &array,
    ];
    for body in bodies {
        let answer = post(
            &world,
            "/v1/challenge/verify",
            &phone.handle,
            &["application/json"],
            body.as_bytes(),
        )
        .await;
        assert_eq!(answer.is(), (400, "invalid-request"), "{body}");
    }
    let bytes = post(
        &world,
        "/v1/challenge/verify",
        &phone.handle,
        &["application/json"],
        b"{\"code\":\"\xff\"}",
    )
    .await;
    assert_eq!(bytes.status, 400);
    let large = vec![b' '; 17 * 1024];
    let large = post(&world, "/v1/challenge/verify", &phone.handle, &["application/json"], &large).await;
    assert_eq!(large.is(), (413, "content-too-large"));
    let read = world.ask(&phone, "GET", "/v1/challenge", &phone.handle, None).await;
    assert_eq!(read.body["challenge"]["attempts_left"], json!(5));
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    assert_eq!(world.verify(&mut phone, &spaced).await.status, 201);
}

#[tokio::test]
async fn fields_have_sizes_and_nothing_else_is_taken() {
    let world = World::new().await;
    let sign_in = |change: fn(&mut serde_json::Value)| {
        let mut body = json!({"email": OWNER, "password": PASSWORD, "device": {"installation": "i", "name": "n"}});
        change(&mut body);
        body
    };
    for body in [
        sign_in(|body| body["password"] = json!("x".repeat(513))),
        sign_in(|body| body["password"] = json!("")),
        sign_in(|body| body["email"] = json!("x".repeat(255))),
        sign_in(|body| body["trusted"] = json!(true)),
        sign_in(|body| body["trust_token"] = json!(null)),
        sign_in(|body| body["device"] = json!(["i", "n"])),
        sign_in(|body| body["device"]["name"] = json!("line\nbreak")),
        sign_in(|body| body["device"]["name"] = json!("x".repeat(129))),
        sign_in(|body| body["device"]["trusted"] = json!(true)),
    ] {
        let answer = world
            .ask(&Phone::new("x"), "POST", "/v1/sign-ins", "", Some(body.clone()))
            .await;
        assert_eq!(answer.is(), (400, "invalid-request"), "{body}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_apart() {
    let world = World::new().await;
    let phone = Phone::new("x");
    for (method, path, is) in [
        ("GET", "/v1/sign-ins", (405, "method-not-allowed")),
        ("DELETE", "/v1/accounts", (405, "method-not-allowed")),
        ("OPTIONS", "/v1/two-step", (405, "method-not-allowed")),
        ("POST", "/v1/devices/dev_x", (405, "method-not-allowed")),
        ("GET", "/v1", (404, "not-found")),
        ("GET", "/v2/session", (404, "not-found")),
        ("GET", "/v1/session/", (404, "not-found")),
    ] {
        assert_eq!(world.ask(&phone, method, path, "", None).await.is(), is, "{method} {path}");
    }
}
