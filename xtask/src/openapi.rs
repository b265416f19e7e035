//! The OpenAPI document, written; and, in tests, judged: its schemas by the published meta-schema, and made-up requests
//! and answers by its schemas. Other people's validators and generators run in `interop/openapi`.

use std::path::Path;

use anyhow::Result;

use crate::catalog;

/// Writes the document of these products to a file, or prints it.
pub(crate) fn run(products: &[String], output: Option<&Path>) -> Result<()> {
    let document = xinqiao_catalog::openapi::document(&catalog::products(products)?);
    let text = serde_json::to_string_pretty(&document)?;
    match output {
        Some(path) => std::fs::write(path, text)?,
        None => println!("{text}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jsonschema::{Registry, Validator};
    use serde_json::{Value, json};
    use xinqiao_catalog::{Content, Endpoint, Method, Product, endpoints, mock, openapi};

    /// A name under which schemas refer to the document.
    const URI: &str = "json-schema:///document";

    fn validator(registry: &Registry<'_>, pointer: &str) -> Validator {
        let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
        let schema = json!({"$ref": format!("{URI}#{fragment}")});
        jsonschema::options()
            .with_registry(registry)
            .build(&schema)
            .unwrap_or_else(|error| panic!("{pointer}: {error}"))
    }

    fn escaped(name: &str) -> String {
        name.replace('~', "~0").replace('/', "~1")
    }

    #[test]
    fn every_schema_is_one_of_the_published_dialect() {
        let document = openapi::document(&[]);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let judge = jsonschema::draft202012::meta::validator();
        for (name, schema) in schemas {
            if let Err(error) = judge.validate(schema) {
                panic!("{name}: {error}");
            }
        }
    }

    /// An operation of one endpoint in plain JSON, whose schemas a made-up value must fit.
    fn plain(endpoint: &Endpoint) -> bool {
        endpoint.content == Content::Json
            && endpoint.answer == Content::Json
            && endpoint.method != Method::Get
            && !endpoint.partial
    }

    #[test]
    fn made_up_requests_and_answers_fit_their_schemas() {
        let mut judged = 0;
        for product in Product::ALL {
            let mut document = openapi::document(&[product]);
            document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
            let registry = Registry::new()
                .add(URI, &document)
                .and_then(jsonschema::RegistryBuilder::prepare)
                .unwrap();
            // A sample of each product: every module's first endpoints.
            let mut last = ("", 0);
            for endpoint in endpoints(product).iter().filter(|one| plain(one)) {
                last = (
                    endpoint.module,
                    if last.0 == endpoint.module {
                        last.1 + 1
                    } else {
                        0
                    },
                );
                let operation = format!(
                    "/paths/{}/{}",
                    escaped(endpoint.path),
                    endpoint.method.name().to_ascii_lowercase()
                );
                let alone = document.pointer(&operation).is_some_and(|found| {
                    found["x-xinqiao"]["endpoints"].is_null()
                        && found["requestBody"].is_object()
                        && found["responses"]["200"].is_object()
                });
                if last.1 > 2 || !alone {
                    continue;
                }
                let request = mock::sample(product, &endpoint.request, 1);
                let answer = xinqiao_catalog::mock(endpoint, 1, &Value::Null);
                for (place, value) in [("requestBody", &request), ("responses/200", &answer)] {
                    let pointer = format!("{operation}/{place}/content/application~1json/schema");
                    if let Err(error) = validator(&registry, &pointer).validate(value) {
                        panic!(
                            "{} {place}: {error} at {}: {value}",
                            endpoint.id,
                            error.instance_path()
                        );
                    }
                    judged += 1;
                }
            }
        }
        assert!(judged > 500, "{judged}");
    }
}
