//! Where values are written to: one push interface over JSON, XML, forms and `Value`s.

use serde_json::Value;

/// Takes values.
pub trait Output {
    /// `null`.
    fn null(&mut self);
    /// A truth value.
    fn bool(&mut self, value: bool);
    /// A number, as it is to be written.
    fn number(&mut self, text: &str);
    /// Text. `cdata` matters in XML only.
    fn text(&mut self, text: &str, cdata: bool);
    /// Begins a list.
    fn begin_list(&mut self);
    /// Ends a list.
    fn end_list(&mut self);
    /// Begins an object.
    fn begin_map(&mut self);
    /// A key; its value follows.
    fn key(&mut self, name: &str);
    /// Ends an object.
    fn end_map(&mut self);
    /// Whether this is XML, where element names may differ from JSON keys.
    fn is_xml(&self) -> bool {
        false
    }
    /// Whether what keep-raw kept is written too; otherwise only what the typed slots hold.
    fn kept(&self) -> bool {
        true
    }
    /// A ready value.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Bool(value) => self.bool(*value),
            Value::Number(number) => self.number(&number.to_string()),
            Value::String(text) => self.text(text, true),
            Value::Array(items) => {
                self.begin_list();
                for item in items {
                    self.value(item);
                }
                self.end_list();
            }
            Value::Object(map) => {
                self.begin_map();
                for (name, value) in map {
                    self.key(name);
                    self.value(value);
                }
                self.end_map();
            }
        }
    }
}
