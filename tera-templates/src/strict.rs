//! Rendering that forgives nothing: template and input name the same variables, or there is no text.

use std::collections::BTreeSet;

use serde::Serialize;
use tera::{Context, Tera, TeraResult, Value};
use thiserror::Error;

use crate::scalar;

/// A template and its input do not fit: a fault of the program. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// What the engine says.
    #[error("template `{0}` cannot be rendered: {1}; report it, the program is at fault")]
    Engine(String, String),
    /// The template asks for what its input does not have.
    #[error("template `{0}` names `{1}`, which its input does not have; report it, the program is at fault")]
    Missing(String, String),
    /// The input has what its template does not ask for.
    #[error("template `{0}` has no place for `{1}` of its input; report it, the program is at fault")]
    Unused(String, String),
}

/// Templates that can be rendered.
#[derive(Debug)]
pub(crate) struct Engine(Tera);

impl Engine {
    /// Reads templates, by file name and text. A text that they write as `{{ value }}` becomes a YAML scalar.
    pub(crate) fn new<const N: usize>(templates: [(&'static str, &'static str); N]) -> TeraResult<Self> {
        let mut tera = Tera::new();
        tera.autoescape_on([".tera"]);
        tera.set_escape_fn(scalar::write);
        tera.add_raw_templates(templates)?;
        Ok(Self(tera))
    }

    /// Renders one template. The fields of `input` are its variables.
    pub(crate) fn render<I: Serialize>(&self, template: &str, input: &I) -> Result<String, TemplateError> {
        let fault = |error: tera::Error| TemplateError::Engine(template.to_owned(), error.to_string());
        let fields = fields(input).map_err(fault)?;
        let has: BTreeSet<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let asks: BTreeSet<&str> = self
            .0
            .get_template_variables(template)
            .map_err(fault)?
            .into_iter()
            .collect();
        // The engine itself takes an unknown variable in `if` for false.
        if let Some(name) = asks.difference(&has).next() {
            return Err(TemplateError::Missing(template.to_owned(), (*name).to_owned()));
        }
        if let Some(name) = has.difference(&asks).next() {
            return Err(TemplateError::Unused(template.to_owned(), (*name).to_owned()));
        }
        let mut context = Context::new();
        for (name, value) in fields {
            context.insert_value(name, value);
        }
        self.0.render(template, &context).map_err(fault)
    }
}

fn fields<I: Serialize>(input: &I) -> TeraResult<Vec<(String, Value)>> {
    let map = Value::try_from_serializable(input)?
        .into_map()
        .unwrap_or_default();
    Ok(map
        .into_iter()
        .map(|(key, value)| (key.to_string(), value))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(text: &'static str, input: &serde_json::Value) -> Result<String, TemplateError> {
        Engine::new([("t.tera", text)]).unwrap().render("t.tera", input)
    }

    #[test]
    fn a_text_is_quoted_wherever_it_stands() {
        let text = "{% for a in list %}{{ a }} {% endfor %}{{ map.b }} {{ map.n }}";
        let input = json!({"list": ["x\ny", "z"], "map": {"b": "# {{ c }}", "n": 1}});
        assert_eq!(render(text, &input).unwrap(), r##""x\ny" "z" "# {{ c }}" 1"##);
    }

    #[test]
    fn what_the_input_does_not_have_is_an_error_everywhere() {
        for text in [
            "{{ a }}{{ b }}",
            "{{ a }}{% if b %}{% endif %}",
            "{{ a }}{% for x in b %}{% endfor %}",
            "{{ b or a }}",
        ] {
            let missing = TemplateError::Missing("t.tera".into(), "b".into());
            assert_eq!(render(text, &json!({"a": 1})), Err(missing), "{text}");
        }
        let inner = render("{{ a.b }}", &json!({"a": {"c": 1}}));
        assert!(matches!(inner, Err(TemplateError::Engine(..))), "{inner:?}");
    }

    #[test]
    fn what_the_template_does_not_use_is_an_error() {
        let unused = TemplateError::Unused("t.tera".into(), "b".into());
        assert_eq!(render("{{ a }}", &json!({"a": 1, "b": 2})), Err(unused));
    }

    #[test]
    fn parents_blocks_and_includes_count() {
        let engine = Engine::new([
            (
                "host.tera",
                "{% block x %}{% endblock x %}{% include \"part.tera\" %}",
            ),
            ("part.tera", "{{ part }}"),
            (
                "t.tera",
                "{% extends \"host.tera\" %}{% block x %}{{ own }}{% endblock x %}",
            ),
        ])
        .unwrap();
        let input = json!({"own": "o", "part": "p"});
        assert_eq!(engine.render("t.tera", &input).unwrap(), r#""o""p""#);
        assert_eq!(
            engine.render("t.tera", &json!({"own": "o"})),
            Err(TemplateError::Missing("t.tera".into(), "part".into()))
        );
    }
}
