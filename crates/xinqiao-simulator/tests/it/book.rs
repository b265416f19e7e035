//! The book's commands, as they stand on its pages in both languages: each works, and does what the page says.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

const LANGUAGES: [&str; 2] = ["zh", "en"];

/// The `curl`s of a page.
fn commands(language: &str, page: &str) -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/../../docs/book/{language}/src/{page}.md");
    let text = std::fs::read_to_string(path).unwrap();
    { text.lines() }
        .filter(|line| line.starts_with("curl "))
        .map(str::to_owned)
        .collect()
}

/// A `curl` of the book: method, path below the control interface, body.
fn command(line: &str) -> (String, &str, Value) {
    let address = "http://127.0.0.1:8600/_sim/v1";
    let path = line.split(address).nth(1).unwrap();
    let path = path.split(' ').next().unwrap();
    let body = line
        .split(" -d '")
        .nth(1)
        .map(|body| body.trim_end_matches('\''));
    let method = { line.split(" -X ").nth(1) }.map(|method| method.split(' ').next().unwrap());
    let method = method.unwrap_or(if body.is_some() { "POST" } else { "GET" });
    let body = body.map_or(Value::Null, |body| serde_json::from_str(body).unwrap());
    (method.to_owned(), path, body)
}

#[tokio::test]
async fn the_books_commands_on_rights_work() {
    for language in LANGUAGES {
        let world = TestWorld::start().await;
        let lines = commands(language, "rights");
        assert_eq!(lines.len(), 9);
        for line in &lines {
            let (method, path, body) = command(line);
            world.must(&method, path, body).await;
        }
    }
}

/// What stands on a page for what an answer told: `USER`, `OPENID`, `TEMPLATE`, `NOTICE`.
#[derive(Default)]
struct Told(Vec<(&'static str, String)>);

impl Told {
    fn learn(&mut self, name: &'static str, value: &Value) {
        if let Some(value) = value.as_str() {
            self.0.push((name, value.to_owned()));
        }
    }

    fn filled(&self, line: &str) -> String {
        { self.0.iter() }.fold(line.to_owned(), |line, (name, value)| {
            line.replace(name, value)
        })
    }
}

#[tokio::test]
async fn the_books_commands_on_mass_and_template_messages_do_what_it_says() {
    for language in LANGUAGES {
        let world = TestWorld::start().await;
        let (mut told, mut codes, mut last) = (Told::default(), Vec::new(), Value::Null);
        for line in commands(language, "mass") {
            let line = told.filled(&line);
            let (method, path, body) = command(&line);
            let answer = world.must(&method, path, body).await;
            match path {
                "/users" => told.learn("USER", &answer["id"]),
                "/call" => {
                    last = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
                    codes.push(last["errcode"].as_i64().unwrap_or(0));
                    told.learn("NOTICE", &last["priTmplId"]);
                }
                _ => {
                    told.learn("OPENID", &answer["openids"]["wxpress"]);
                    told.learn("TEMPLATE", &answer["template_id"]);
                }
            }
        }
        assert_eq!(
            codes,
            [
                0, 0, 45066, 0, // mass messages
                0, 0, // template messages
                0, 43101, 0, 43101, // notices
                45009, 0, // quotas
            ],
            "{language}: {last}"
        );
        let (user, openid) = (&told.0[0].1, &told.0[1].1);
        assert!(openid.starts_with('o'), "{openid}");
        let inbox = world.inbox(user, "wxpress").await;
        let vias: Vec<&Value> = inbox.iter().map(|item| &item["via"]).collect();
        assert_eq!(
            vias,
            ["mass", "mass", "template", "subscribe", "template"],
            "all but what was refused, reviewed away or blocked"
        );
        let counted = json!({"cgi_path": "/cgi-bin/message/template/send"});
        let account = world.get("/accounts/wxpress").await;
        let token = world.token(&account).await;
        let path = format!("/cgi-bin/openapi/quota/get?access_token={token}");
        assert_eq!(world.call(&path, counted).await["quota"]["used"], 1);
    }
}
