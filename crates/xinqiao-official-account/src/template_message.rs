//! Template messages (模板消息) field by field: `.field("keyword1", "已发货")`.
//!
//! Since May 2023 the platform drops `first` and `remark` and ignores colors; it still answers ok.

use xinqiao_types::AppId;

use crate::message::template::{Send, Subscribe};
use crate::message::{MiniProgram, TemplateValue};

macro_rules! fields {
    ($request:ident) => {
        impl $request {
            /// Fills one field of the template.
            #[must_use]
            pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                let data = self.data.get_or_insert_default();
                data.insert(name.into(), TemplateValue::new(value));
                self
            }

            /// A tap opens a page of a mini program. It goes before `url`, which stays for clients that
            /// cannot.
            #[must_use]
            pub fn mini_program_page(
                self,
                appid: impl Into<AppId>,
                page: impl Into<String>,
            ) -> Self {
                self.mini_program(MiniProgram::new(appid, page))
            }
        }
    };
}

fields!(Send);
fields!(Subscribe);

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn fields_are_filled_one_by_one() {
        let send = Send::new("o1", "t1")
            .field("thing1", "手冲")
            .field("amount2", "28元")
            .mini_program_page("wx1", "pages/order");
        assert_eq!(
            json::encode(&send),
            "{\"touser\":\"o1\",\"template_id\":\"t1\",\
             \"miniprogram\":{\"appid\":\"wx1\",\"pagepath\":\"pages/order\"},\
             \"data\":{\"amount2\":{\"value\":\"28元\"},\"thing1\":{\"value\":\"手冲\"}}}"
        );
    }
}
