//! Departments (部门) of a corporation: a tree whose root is department 1.
//!
//! Source: doc pages 90205 to 90208, 95350, 95351.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code::work as code, id::work as wecom};

use super::{
    corps::{DISSOLVED, called, called_by_contacts, named, route},
    members,
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request},
    },
    products::Feature,
};

/// Departments by corporation and number.
static DEPARTMENTS: Table<(Id, u64), Department> = Table::new("work.departments", 1);
/// Sub-departments of a department.
static CHILDREN: Table<((Id, u64), u64), ()> = Table::memory("work.sub_departments");

pub(super) static FEATURE: Feature = Feature {
    name: "work.departments",
    tables: &[&DEPARTMENTS],
    behaviours: &[
        stateful(wecom::department::CREATE, TREE, create),
        stateful(wecom::department::UPDATE, TREE, update),
        stateful(wecom::department::DELETE, TREE, delete),
        stateful(wecom::department::LIST, TREE, list),
        stateful(wecom::department::SIMPLE_LIST, TREE, simple_list),
        stateful(wecom::department::GET, TREE, get),
    ],
    routes: &[route(
        "GET",
        "/corps/{corpid}/departments",
        Handler::Look(in_control),
    )],
    topics: &[(DISSOLVED, dissolved)],
    index: Some(index),
    ..Feature::EMPTY
};
const TREE: &str = "departments_are_a_tree";

/// The department that every corporation has.
pub(super) const ROOT: u64 = 1;
/// The place of a department among its neighbours where nothing is said; larger ones stand before.
const ORDER: i64 = 100_000_000;
/// Most characters of a name.
const NAME: usize = 64;
/// What a name may not have in it.
const NOT_IN_NAMES: &[char] = &['\\', ':', '*', '?', '"', '<', '>', '|'];

/// A department.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Department {
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    name_en: String,
    /// 0 for the root.
    parent: u64,
    order: i64,
}

/// The root of a new corporation.
pub(super) fn found(world: &mut World, corp: &Id, name: String) {
    let root = Department {
        name,
        name_en: String::new(),
        parent: 0,
        order: ORDER,
    };
    put(world, corp, ROOT, root);
}

pub(super) fn exists(world: &World, corp: &Id, id: u64) -> bool {
    DEPARTMENTS.has(world, &(corp.clone(), id))
}

/// A department and everything below it, parents before children.
pub(super) fn tree(world: &World, corp: &Id, id: u64) -> Vec<u64> {
    let mut found = vec![id];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        let children = CHILDREN.under(world, &(corp.clone(), *parent));
        let children: Vec<u64> = children.map(|(child, ())| *child).collect();
        found.extend(children);
        at += 1;
    }
    found
}

fn put(world: &mut World, corp: &Id, id: u64, department: Department) {
    CHILDREN.put(world, ((corp.clone(), department.parent), id), ());
    if let Some(before) = DEPARTMENTS.get(world, &(corp.clone(), id))
        && before.parent != department.parent
    {
        let parent = before.parent;
        CHILDREN.remove(world, &((corp.clone(), parent), id));
    }
    DEPARTMENTS.put(world, (corp.clone(), id), department);
}

/// A number that a call gives; what is no number of a department is none.
fn given(asked: &Asked, name: &str) -> Option<u64> {
    let of_body = asked.body.get(name).and_then(whole);
    let number = of_body.or_else(|| asked.given(name)?.trim().parse().ok())?;
    u64::try_from(number).ok()
}

/// The department that a call names.
pub(super) fn named_in(
    world: &World,
    corp: &Id,
    asked: &Asked,
    name: &str,
) -> Result<u64, Refusal> {
    let id = u64::try_from(asked.number(name)?).unwrap_or_default();
    if exists(world, corp, id) {
        Ok(id)
    } else {
        Err(Refusal::code(code::DEPARTMENT_NOT_FOUND))
    }
}

/// Checks name and place of a department against its neighbours.
fn check(world: &World, corp: &Id, own: Option<u64>, wanted: &Department) -> Result<(), Refusal> {
    let length = wanted.name.chars().count();
    if length == 0 || length > NAME || wanted.name.contains(NOT_IN_NAMES) {
        return Err(Refusal::code(code::INVALID_DEPARTMENT_NAME));
    }
    if own == Some(ROOT) {
        return Ok(());
    }
    let below = own.map(|id| tree(world, corp, id)).unwrap_or_default();
    if !exists(world, corp, wanted.parent) || below.contains(&wanted.parent) {
        return Err(Refusal::code(code::PARENT_DEPARTMENT_NOT_FOUND));
    }
    let taken = { CHILDREN.under(world, &(corp.clone(), wanted.parent)) }
        .filter(|(id, ())| Some(**id) != own)
        .filter_map(|(id, ())| DEPARTMENTS.get(world, &(corp.clone(), *id)))
        .any(|neighbour| neighbour.name == wanted.name);
    if taken {
        return Err(Refusal::code(code::DEPARTMENT_EXISTS));
    }
    Ok(())
}

/// `department/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let department = Department {
        name: asked.text("name")?.to_owned(),
        name_en: asked.given("name_en").unwrap_or_default().to_owned(),
        parent: given(asked, "parentid").unwrap_or(ROOT),
        order: asked.body.get("order").and_then(whole).unwrap_or(ORDER),
    };
    let wanted = given(asked, "id");
    // WECHAT: 32-bit numbers (department/create, `id`).
    if wanted.is_some_and(|id| id > u64::from(u32::MAX)) {
        return Err(Refusal::code(code::DEPARTMENT_NOT_FOUND));
    }
    if wanted.is_some_and(|id| exists(turn.world, corp, id)) {
        return Err(Refusal::code(code::DEPARTMENT_EXISTS));
    }
    check(turn.world, corp, None, &department)?;
    let last = DEPARTMENTS.range(turn.world, ..=(corp.clone(), u64::MAX));
    let last = last.last().map_or(ROOT, |(key, _)| key.1);
    let id = wanted.filter(|id| *id > ROOT).unwrap_or(last + 1);
    put(turn.world, corp, id, department);
    Ok(Reply::Json(json!({"id": id})))
}

/// `department/update`: what is not given stays.
fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let id = named_in(turn.world, corp, asked, "id")?;
    let Some(mut department) = DEPARTMENTS.get(turn.world, &(corp.clone(), id)).cloned() else {
        return Err(Refusal::code(code::DEPARTMENT_NOT_FOUND));
    };
    if let Some(name) = asked.given("name") {
        name.clone_into(&mut department.name);
    }
    if let Some(name) = asked.given("name_en") {
        name.clone_into(&mut department.name_en);
    }
    if id != ROOT {
        department.parent = given(asked, "parentid").unwrap_or(department.parent);
    }
    if let Some(order) = asked.body.get("order").and_then(whole) {
        department.order = order;
    }
    check(turn.world, corp, Some(id), &department)?;
    put(turn.world, corp, id, department);
    Ok(Reply::Acknowledged)
}

/// `department/delete`: neither the root, nor one with something in it.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called_by_contacts(asked)?;
    let id = named_in(turn.world, corp, asked, "id")?;
    if id == ROOT {
        return Err(Refusal::code(code::ROOT_DEPARTMENT));
    }
    if tree(turn.world, corp, id).len() > 1 {
        return Err(Refusal::code(code::DEPARTMENT_HAS_CHILDREN));
    }
    if members::has_some(turn.world, corp, id) {
        return Err(Refusal::code(code::DEPARTMENT_HAS_MEMBERS));
    }
    if let Some(department) = DEPARTMENTS.remove(turn.world, &(corp.clone(), id)) {
        CHILDREN.remove(turn.world, &((corp.clone(), department.parent), id));
    }
    Ok(Reply::Acknowledged)
}

fn view(id: u64, department: &Department) -> Value {
    let mut view = json!({
        "id": id,
        "name": department.name,
        "parentid": department.parent,
        "order": department.order,
        "department_leader": [],
    });
    if !department.name_en.is_empty() {
        view["name_en"] = json!(department.name_en);
    }
    view
}

/// The departments of a call: one with all below it, or all.
fn below<'w>(world: &'w World, asked: &Asked) -> Result<Vec<(u64, &'w Department)>, Refusal> {
    let corp = called(asked)?;
    let top = match asked.given("id") {
        None | Some("") => ROOT,
        Some(_) => named_in(world, corp, asked, "id")?,
    };
    let ids = tree(world, corp, top).into_iter();
    Ok(ids
        .filter_map(|id| Some((id, DEPARTMENTS.get(world, &(corp.clone(), id))?)))
        .collect())
}

/// `department/list`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let found = below(turn.world, asked)?.into_iter();
    let views: Vec<Value> = found.map(|(id, own)| view(id, own)).collect();
    Ok(Reply::Json(json!({"department": views})))
}

/// `department/simplelist`.
fn simple_list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let found = below(turn.world, asked)?.into_iter();
    let views: Vec<Value> = found
        .map(|(id, own)| json!({"id": id, "parentid": own.parent, "order": own.order}))
        .collect();
    Ok(Reply::Json(json!({"department_id": views})))
}

/// `department/get`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let corp = called(asked)?;
    let id = named_in(turn.world, corp, asked, "id")?;
    match DEPARTMENTS.get(turn.world, &(corp.clone(), id)) {
        Some(department) => Ok(Reply::Json(json!({"department": view(id, department)}))),
        None => Err(Refusal::code(code::DEPARTMENT_NOT_FOUND)),
    }
}

fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let corp = named(world, request)?;
    let page = request.page()?;
    let departments = DEPARTMENTS.after(world, (corp, page.number("")?));
    Ok(page.answer(departments.map(|(id, department)| (id.to_string(), view(*id, department)))))
}

fn dissolved(turn: &mut Turn<'_>, what: &Value) {
    let Some(corp) = id_in(what, "corp") else {
        return;
    };
    for (id, department) in DEPARTMENTS.remove_under(turn.world, &corp) {
        CHILDREN.remove(turn.world, &((corp.clone(), department.parent), id));
    }
}

fn index(world: &mut World) {
    let known: Vec<((Id, u64), u64)> = DEPARTMENTS
        .all(world)
        .map(|((corp, id), department)| ((corp.clone(), department.parent), *id))
        .collect();
    for child in known {
        CHILDREN.put(world, child, ());
    }
}
