//! Template cards (模板卡片): a constructor for each of the five kinds, with what the kind cannot do without.
//!
//! `card_type` only says which fields of the one card count, so the card stays one type; its setters add the rest.
//! Source: <https://developer.work.weixin.qq.com/document/path/90236>.

use crate::types::{
    CardButton, CardCheckBox, CardCheckBoxOption, CardImage, CardLink, CardSelect,
    CardSelectOption, CardTitle, TemplateCard,
};

impl TemplateCard {
    fn of(kind: &str, title: impl Into<String>) -> Self {
        TemplateCard::new(kind).main_title(CardTitle::new().title(title.into()))
    }

    /// Text notice (文本通知型). `action`: where a tap on the card leads.
    #[must_use]
    pub fn text_notice(title: impl Into<String>, action: CardLink) -> Self {
        TemplateCard::of("text_notice", title).card_action(action)
    }

    /// Picture notice (图文展示型).
    #[must_use]
    pub fn news_notice(title: impl Into<String>, image: CardImage, action: CardLink) -> Self {
        TemplateCard::of("news_notice", title)
            .card_image(image)
            .card_action(action)
    }

    /// Buttons (按钮交互型), one to six. `task`: one's own id of the card, unique per agent, at most 128 bytes.
    #[must_use]
    pub fn button_interaction(
        title: impl Into<String>,
        task: impl Into<String>,
        buttons: impl Into<Vec<CardButton>>,
    ) -> Self {
        TemplateCard::of("button_interaction", title)
            .task_id(task.into())
            .button_list(buttons.into())
    }

    /// A vote (投票选择型): options and a button that sends the answer.
    #[must_use]
    pub fn vote_interaction(
        title: impl Into<String>,
        task: impl Into<String>,
        checkbox: CardCheckBox,
        submit: CardButton,
    ) -> Self {
        TemplateCard::of("vote_interaction", title)
            .task_id(task.into())
            .check_box(checkbox)
            .submit_button(submit)
    }

    /// Several choices (多项选择型): lists to choose from, one to three, and a button that sends the answer.
    #[must_use]
    pub fn multiple_interaction(
        title: impl Into<String>,
        task: impl Into<String>,
        selects: impl Into<Vec<CardSelect>>,
        submit: CardButton,
    ) -> Self {
        TemplateCard::of("multiple_interaction", title)
            .task_id(task.into())
            .select_list(selects.into())
            .submit_button(submit)
    }
}

impl CardLink {
    /// To a page.
    #[must_use]
    pub fn to_page(url: impl Into<String>) -> Self {
        CardLink::new().type_(1).url(url.into())
    }

    /// To a page of a mini program that is linked to the agent.
    #[must_use]
    pub fn to_mini_program(
        appid: impl Into<xinqiao_types::AppId>,
        page: impl Into<String>,
    ) -> Self {
        CardLink::new()
            .type_(2)
            .appid(appid.into())
            .page_path(page.into())
    }
}

impl CardButton {
    /// A button that calls back with `key`.
    #[must_use]
    pub fn calling_back(text: impl Into<String>, key: impl Into<String>) -> Self {
        CardButton::new(text).key(key.into())
    }
}

impl CardCheckBox {
    /// A question with options of id and text; `many`: whether more than one may be taken.
    #[must_use]
    pub fn asking(
        key: impl Into<String>,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
        many: bool,
    ) -> Self {
        let options = options
            .into_iter()
            .map(|(id, text)| CardCheckBoxOption::new(id, text))
            .collect::<Vec<_>>();
        CardCheckBox::new(key, options).mode(i64::from(many))
    }
}

impl CardSelect {
    /// A list to choose one from, with options of id and text.
    #[must_use]
    pub fn choosing(
        key: impl Into<String>,
        title: impl Into<String>,
        options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let options = options
            .into_iter()
            .map(|(id, text)| CardSelectOption::new(id, text))
            .collect::<Vec<_>>();
        CardSelect::new(key, options).title(title.into())
    }
}

#[cfg(test)]
mod tests {
    use xinqiao_wire::json;

    use super::*;

    #[test]
    fn notices_lead_somewhere() {
        let link = CardLink::to_mini_program("wx1", "pages/a");
        assert_eq!(
            json::encode(&TemplateCard::text_notice("待审批", link)),
            "{\"card_type\":\"text_notice\",\"main_title\":{\"title\":\"待审批\"},\
             \"card_action\":{\"type\":2,\"appid\":\"wx1\",\"pagepath\":\"pages/a\"}}"
        );
        let image = CardImage::new("https://a.cn/a.png");
        assert_eq!(
            json::encode(&TemplateCard::news_notice(
                "周报",
                image,
                CardLink::to_page("https://a.cn")
            )),
            "{\"card_type\":\"news_notice\",\"card_image\":{\"url\":\"https://a.cn/a.png\"},\
             \"main_title\":{\"title\":\"周报\"},\"card_action\":{\"type\":1,\"url\":\"https://a.cn\"}}"
        );
    }

    #[test]
    fn what_asks_has_a_task_and_a_button() {
        let ok = || CardButton::calling_back("提交", "ok");
        assert_eq!(
            json::encode(&TemplateCard::button_interaction(
                "同意吗",
                "t1",
                vec![ok()]
            )),
            "{\"card_type\":\"button_interaction\",\"main_title\":{\"title\":\"同意吗\"},\
             \"task_id\":\"t1\",\"button_list\":[{\"key\":\"ok\",\"text\":\"提交\"}]}"
        );
        let vote = CardCheckBox::asking("q", [("1", "甲"), ("2", "乙")], true);
        assert_eq!(
            json::encode(&TemplateCard::vote_interaction("选谁", "t1", vote, ok())),
            "{\"card_type\":\"vote_interaction\",\"main_title\":{\"title\":\"选谁\"},\
             \"task_id\":\"t1\",\"checkbox\":{\"question_key\":\"q\",\"mode\":1,\"option_list\":[\
             {\"id\":\"1\",\"text\":\"甲\"},{\"id\":\"2\",\"text\":\"乙\"}]},\
             \"submit_button\":{\"key\":\"ok\",\"text\":\"提交\"}}"
        );
        let list = CardSelect::choosing("q", "部门", [("1", "甲")]);
        assert_eq!(
            json::encode(&TemplateCard::multiple_interaction(
                "登记",
                "t1",
                vec![list],
                ok()
            )),
            "{\"card_type\":\"multiple_interaction\",\"main_title\":{\"title\":\"登记\"},\
             \"task_id\":\"t1\",\"select_list\":[{\"question_key\":\"q\",\"title\":\"部门\",\
             \"option_list\":[{\"id\":\"1\",\"text\":\"甲\"}]}],\
             \"submit_button\":{\"key\":\"ok\",\"text\":\"提交\"}}"
        );
    }
}
