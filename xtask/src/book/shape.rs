//! Fields and types as tables.

use std::{collections::BTreeSet, fmt::Write as _};

use xinqiao_catalog::{
    Field, Origin, Product, Shape, Spelling, TypeId, TypeRef, meaning, type_def, values,
};

use super::text::{Language, code, plain, prose};

/// A table of fields under a title; nothing if there are none.
pub(super) fn table(
    out: &mut String,
    language: Language,
    product: Product,
    title: &str,
    shape: &Shape,
) {
    if shape.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{title}**\n");
    rows(out, language, product, shape);
}

/// The fields, the union and the free keys of a shape.
fn rows(out: &mut String, language: Language, product: Product, shape: &Shape) {
    if !shape.fields.is_empty() {
        let header = language.say(
            "| 字段 | 类型 | 必填 | 说明 |",
            "| field | type | required | |",
        );
        let _ = writeln!(out, "{header}\n|---|---|---|---|");
        for field in &shape.fields {
            let required = match (field.required, field.required_by_docs) {
                (true, _) => language.say("是", "yes"),
                (false, true) => language.say("视情况", "depends"),
                (false, false) => "",
            };
            let _ = writeln!(
                out,
                "| {} | {} | {required} | {} |",
                code(field.name),
                type_name(product, &field.ty),
                remarks(language, product, field),
            );
        }
        out.push('\n');
    }
    if let Some(union) = &shape.union {
        let cases: Vec<String> = union
            .cases
            .iter()
            .map(|case| match &case.ty {
                Some(ty) => format!("{} ({})", code(case.value), type_name(product, ty)),
                None => code(case.value),
            })
            .collect();
        let _ = writeln!(
            out,
            "{} {}: {}\n",
            language.say("由此字段决定正文：", "The body depends on"),
            code(union.tag),
            cases.join(" · ")
        );
    }
    if let Some(open) = &shape.open {
        let _ = writeln!(
            out,
            "{} {}\n",
            language.say("可以有任意其他字段，类型", "Any further fields, of type"),
            type_name(product, open)
        );
    }
}

fn remarks(language: Language, product: Product, field: &Field) -> String {
    let mut notes: Vec<String> = Vec::new();
    let said = meaning(product, field.meaning);
    let about = language.of(said.text);
    if !about.is_empty() {
        notes.push(prose(about));
    }
    let known = values(product, field);
    if !known.is_empty() {
        let values: Vec<String> = known
            .iter()
            .map(
                |known| match language.of(meaning(product, known.meaning).text) {
                    "" => code(known.value),
                    about => format!("{} {}", code(known.value), prose(about)),
                },
            )
            .collect();
        notes.push(values.join(" · "));
    }
    match field.origin {
        Origin::Caller => {}
        Origin::Credential => notes.push(language.say("取自账号配置", "from the account").into()),
        Origin::Auto => notes.push(language.say("由客户端计算", "made by the client").into()),
        Origin::Constant => notes.push(format!("= {}", code(field.constant))),
    }
    let or = |own: &'static str, said: &'static str| if own.is_empty() { said } else { own };
    match or(field.format, said.format) {
        "" => {}
        format => notes.push(code(format)),
    }
    match or(field.unit, said.unit) {
        "" => {}
        unit => notes.push(plain(unit)),
    }
    if !said.example.is_empty() {
        notes.push(format!(
            "{} {}",
            language.say("如", "such as"),
            code(said.example)
        ));
    }
    match language.of(said.from) {
        "" => {}
        from => notes.push(format!("{}{}", language.say("来自", "from "), prose(from))),
    }
    if field.wire != Spelling::Plain {
        notes.push(spelling(language, field.wire).to_owned());
    }
    if field.max > 0 {
        notes.push(format!("≤ {}", field.max));
    }
    if field.max_bytes > 0 {
        notes.push(format!(
            "≤ {} {}",
            field.max_bytes,
            language.say("字节", "bytes")
        ));
    }
    if field.encrypted {
        notes.push(language.say("加密", "encrypted").into());
    }
    if field.secret {
        notes.push(language.say("密钥", "secret").into());
    }
    if field.pii {
        notes.push(language.say("个人信息", "personal data").into());
    }
    notes.join("; ")
}

fn spelling(language: Language, wire: Spelling) -> &'static str {
    match wire {
        Spelling::Plain => "",
        Spelling::BoolInt => language.say("写作 0 或 1", "written 0 or 1"),
        Spelling::BoolYn => language.say("写作 Y 或 N", "written Y or N"),
        Spelling::BoolText => language.say("写作文本 true 或 false", "written as text"),
        Spelling::NumberOrText => language.say("数字或文本", "number or text"),
        Spelling::NumericText => language.say("数字写作文本", "number written as text"),
        Spelling::TextOrNumber => language.say("文本，也可能是数字", "text, may come as a number"),
        Spelling::JsonText => language.say("JSON 写在字符串里", "JSON inside a text"),
        Spelling::JsonPart => language.say("JSON 表单部分", "a part that holds JSON"),
        Spelling::Comma => language.say("用逗号连接", "joined with commas"),
        Spelling::Pipe => language.say("用竖线连接", "joined with pipes"),
        Spelling::Semicolon => language.say("用分号连接", "joined with semicolons"),
        Spelling::EncryptedXml => language.say("加密的 XML", "encrypted XML"),
        Spelling::Other => language.say("原样保留", "kept as it is"),
    }
}

/// The name of a type; named types link to their table on the same page.
fn type_name(product: Product, ty: &TypeRef) -> String {
    match ty {
        TypeRef::String => "string".into(),
        TypeRef::Int32 => "int32".into(),
        TypeRef::Int64 => "int64".into(),
        TypeRef::Uint64 => "uint64".into(),
        TypeRef::Float => "float".into(),
        TypeRef::Bool => "bool".into(),
        TypeRef::Timestamp => "timestamp".into(),
        TypeRef::File => "file".into(),
        TypeRef::Bytes => "bytes".into(),
        TypeRef::Any => "any".into(),
        TypeRef::Named(id) => match type_def(product, *id) {
            Some(found) => format!("[{}](#t-{})", found.name, id.0),
            None => "any".into(),
        },
        TypeRef::List(inner) => format!("{} …", type_name(product, inner)),
        TypeRef::Map(inner) => format!("string → {}", type_name(product, inner)),
    }
}

/// The named types that a shape leads to, through other types too.
pub(super) fn reach(product: Product, shape: &Shape, found: &mut BTreeSet<u32>) {
    let cases = shape.union.iter().flat_map(|union| &union.cases);
    let types = (shape.fields.iter().map(|field| &field.ty))
        .chain(cases.filter_map(|case| case.ty.as_ref()))
        .chain(shape.open.as_ref());
    for id in types.filter_map(TypeRef::named) {
        if found.insert(id.0)
            && let Some(ty) = type_def(product, id)
        {
            reach(product, &ty.shape, found);
        }
    }
}

/// The tables of these types.
pub(super) fn types(out: &mut String, language: Language, product: Product, ids: &BTreeSet<u32>) {
    if ids.is_empty() {
        return;
    }
    let _ = writeln!(out, "## {}\n", language.say("类型", "Types"));
    for id in ids {
        let Some(ty) = type_def(product, TypeId(*id)) else {
            continue;
        };
        let _ = writeln!(out, "### {} {{#t-{id}}}\n", ty.name);
        let about = language.of(ty.about);
        if !about.is_empty() {
            let _ = writeln!(out, "{}\n", plain(about));
        }
        rows(out, language, product, &ty.shape);
    }
}
