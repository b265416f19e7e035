//! Permanent material (永久素材): pictures, recordings, films and thumbnails that an account keeps until it deletes them.
//!
//! The bytes are files of the account without an end, so that whatever takes a media id takes these too. Articles are
//! no material any more, drafts came in their place; so the kind `news` is counted and listed as empty.
//!
//! Source: doc pages "新增永久素材", "获取永久素材", "删除永久素材", "获取素材总数", "获取素材列表".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};

use super::{KINDS, media, menu};
use crate::{
    accounts::{
        self,
        files::{self, FILES, File, extension_of},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Card, Holds, Shown, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// Material by account and media id.
static MATERIAL: Table<(Id, Id), Item> = Table::new(NAME, 1);
/// An account's material of a kind, in the order in which it was added.
static ADDED: Table<(Id, Id, u64), Id> = Table::memory("official_account.material_added");
/// How much of a kind an account has.
static COUNTS: Table<(Id, Id), usize> = Table::memory("official_account.material_counts");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&MATERIAL],
    behaviours: &[
        stateful(oa::material::ADD_MATERIAL, KEPT, add),
        stateful(oa::material::GET_MATERIAL, KEPT, get),
        stateful(oa::material::DEL_MATERIAL, GONE, delete),
        stateful(oa::material::GET_MATERIAL_COUNT, LISTED, count),
        stateful(oa::material::BATCH_GET_MATERIAL, LISTED, list),
    ],
    routes: &[Route {
        method: "GET",
        path: PATH,
        run: Handler::Look(in_control),
    }],
    shows: &[Shown::Card(&CARD)],
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.material";
const PATH: &str = "/accounts/{appid}/material";
const KEPT: &str = "permanent_material_is_kept_and_fetched";
const GONE: &str = "deleted_material_is_gone_unless_the_menu_shows_it";
const LISTED: &str = "material_is_counted_and_listed_by_its_kind";

static CARD: Card = Card {
    name: "material",
    title: said("永久素材", "Permanent material"),
    kinds: KINDS,
    path: PATH,
    fields: &[
        text("name", "名称", "Name"),
        text("kind", "类型", "Kind"),
        text("media_id", "media_id", "media_id"),
        field("added_at", "新增时间", "Added", Holds::Number),
    ],
};

/// The catalog's limit of pictures, thumbnails among them.
pub(super) const PICTURES_MOST: &str = "material.pictures";
/// And of every other kind.
pub(super) const OTHERS_MOST: &str = "material.others";
/// Most items of a page.
const PAGE: i64 = 20;
const IMAGE: &str = "image";
const VOICE: &str = "voice";
const VIDEO: &str = "video";

/// What is kept beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Item {
    /// Under which kind it is counted and listed: thumbnails are pictures.
    kind: String,
    name: String,
    /// Of a film.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    introduction: String,
    added_at: i64,
    order: u64,
}

/// Whether an account has a permanent picture of this id.
pub(super) fn is_picture(world: &World, appid: &Id, media_id: &str) -> bool {
    MATERIAL
        .get(world, &(appid.clone(), media_id.into()))
        .is_some_and(|item| item.kind == IMAGE)
}

fn enter(world: &mut World, appid: &Id, media_id: Id, item: &Item) {
    let kind: Id = item.kind.as_str().into();
    ADDED.put(world, (appid.clone(), kind.clone(), item.order), media_id);
    *COUNTS.or_default(world, (appid.clone(), kind)) += 1;
}

/// The address of a kept file.
fn address(world: &World, media_id: &str) -> String {
    format!("{}/mmbiz/{media_id}/0", world.origins.pages)
}

/// Title and introduction of a film: a part of the body that is JSON.
fn description(asked: &Asked) -> Result<(String, String), Refusal> {
    let given = asked.body.get("description").cloned().unwrap_or_default();
    let given = match &given {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        _ => given,
    };
    let said = |name: &str| given.get(name).and_then(Value::as_str);
    match said("title") {
        Some(title) if !title.is_empty() => Ok((
            title.to_owned(),
            said("introduction").unwrap_or_default().to_owned(),
        )),
        _ => Err(Refusal::code(code::INVALID_ARGUMENT).because(
            "call.parameter",
            Some("description".to_owned()),
            Some("{\"title\": …, \"introduction\": …}".to_owned()),
        )),
    }
}

/// `material/add_material`.
///
/// WECHAT: only a picture is answered with its address; a film needs a title.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let sort = asked.given("type").unwrap_or_default().to_owned();
    let (kind, most) = match sort.as_str() {
        IMAGE | "thumb" => (IMAGE, PICTURES_MOST),
        VOICE => (VOICE, OTHERS_MOST),
        VIDEO => (VIDEO, OTHERS_MOST),
        _ => return Err(Refusal::code(code::INVALID_MEDIA_TYPE)),
    };
    let part = media::file(asked)?;
    media::checked(&format!("permanent.{sort}"), part)?;
    let (name, introduction) = if kind == VIDEO {
        description(asked)?
    } else {
        (part.filename.clone(), String::new())
    };
    let key: (Id, Id) = (asked.appid.clone(), kind.into());
    let have = COUNTS.get(turn.world, &key).copied().unwrap_or_default();
    let most = limit::count(most);
    if have >= most {
        return Err(Refusal::code(code::MATERIAL_LIMIT).because(
            "media.too_much",
            Some(format!("{kind}: {have}")),
            Some(format!("≤ {most}")),
        ));
    }
    let file = File {
        account: asked.appid.to_string(),
        kind: sort,
        filename: part.filename.clone(),
        content_type: media::content_type(part),
        created_at: turn.now.0,
        expires_at: None,
    };
    let media_id = files::store(turn, file, part.bytes.clone());
    let item = Item {
        kind: kind.to_owned(),
        name,
        introduction,
        added_at: turn.now.0,
        order: turn.world.serial(&format!("{NAME} {}", asked.appid)),
    };
    enter(turn.world, &asked.appid, media_id.clone(), &item);
    MATERIAL.put(turn.world, (asked.appid.clone(), media_id.clone()), item);
    let mut answer = json!({"media_id": &*media_id});
    if kind == IMAGE {
        answer["url"] = json!(address(turn.world, &media_id));
    }
    Ok(Reply::Json(answer))
}

fn unknown(media_id: &str) -> Refusal {
    Refusal::code(code::INVALID_MEDIA_ID).because("media.unknown", Some(media_id.to_owned()), None)
}

/// The material of the account that a call names.
fn named<'w>(world: &'w World, asked: &Asked) -> Result<(Id, &'w Item), Refusal> {
    let media_id: Id = asked.given("media_id").unwrap_or_default().into();
    let item = MATERIAL.get(world, &(asked.appid.clone(), media_id.clone()));
    let item = item.ok_or_else(|| unknown(&media_id))?;
    Ok((media_id, item))
}

/// `material/get_material`: the file, or where a film lies.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (media_id, item) = named(turn.world, asked)?;
    if item.kind == VIDEO {
        return Ok(Reply::Json(json!({
            "title": item.name,
            "description": item.introduction,
            "down_url": address(turn.world, &media_id),
        })));
    }
    let found = files::find(turn.world, &media_id, turn.now.0);
    let (file, content) = found.ok_or_else(|| unknown(&media_id))?;
    Ok(Reply::File {
        content_type: file.content_type.clone(),
        filename: format!("{media_id}.{}", extension_of(&file.content_type)),
        content,
    })
}

/// `material/del_material`.
///
/// WECHAT: what a button of the menu shows is not deleted (48005).
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (media_id, item) = named(turn.world, asked)?;
    if menu::shows(turn.world, &asked.appid, &media_id) {
        return Err(Refusal::code(code::MATERIAL_IN_USE));
    }
    let key: (Id, Id) = (asked.appid.clone(), item.kind.as_str().into());
    let order = (key.0.clone(), key.1.clone(), item.order);
    ADDED.remove(turn.world, &order);
    *COUNTS.or_default(turn.world, key) -= 1;
    MATERIAL.remove(turn.world, &(asked.appid.clone(), media_id.clone()));
    FILES.remove(turn.world, &media_id);
    turn.world.files.remove(&media_id);
    Ok(Reply::Acknowledged)
}

fn amount(world: &World, appid: &Id, kind: &str) -> usize {
    let count = COUNTS.get(world, &(appid.clone(), kind.into()));
    count.copied().unwrap_or_default()
}

/// `material/get_materialcount`.
fn count(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let amount = |kind| amount(turn.world, &asked.appid, kind);
    Ok(Reply::Json(json!({
        "voice_count": amount(VOICE),
        "video_count": amount(VIDEO),
        "image_count": amount(IMAGE),
        "news_count": 0,
    })))
}

/// `material/batchget_material`: the newest first, twenty a page at most.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let kind = asked.text("type")?;
    let (offset, most) = (asked.number("offset")?, asked.number("count")?);
    if ![IMAGE, VOICE, VIDEO, "news"].contains(&kind) {
        return Err(Refusal::code(code::INVALID_MEDIA_TYPE));
    }
    let (Ok(offset), 1..=PAGE) = (usize::try_from(offset), most) else {
        return Err(Refusal::code(code::INVALID_ARGUMENT));
    };
    let (world, appid) = (&*turn.world, &asked.appid);
    let all = |order| (appid.clone(), Id::from(kind), order);
    let items: Vec<Value> = ADDED
        .range(world, all(0)..=all(u64::MAX))
        .rev()
        .skip(offset)
        .take(usize::try_from(most).unwrap_or_default())
        .filter_map(|(_, media_id)| {
            let item = MATERIAL.get(world, &(appid.clone(), media_id.clone()))?;
            let mut view = json!({
                "media_id": &**media_id, "name": item.name, "update_time": item.added_at,
            });
            if kind == IMAGE {
                view["url"] = json!(address(world, media_id));
            }
            Some(view)
        })
        .collect();
    Ok(Reply::Json(json!({
        "total_count": amount(world, appid, kind), "item_count": items.len(), "item": items,
    })))
}

/// `GET /accounts/{appid}/material`.
fn in_control(world: &World, request: &Request) -> Result<Value, Refused> {
    let appid = accounts::id(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.after.clone().unwrap_or_default();
    let items = MATERIAL
        .after(world, (appid, Id::from(after.as_str())))
        .map(|(media_id, item)| {
            let view = json!({
                "media_id": &**media_id, "kind": item.kind, "name": item.name,
                "url": format!("/_sim/v1/media/{media_id}"), "added_at": item.added_at,
            });
            (media_id.to_string(), view)
        });
    Ok(page.answer(items))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    COUNTS.remove_under(turn.world, &appid);
    for (_, item) in MATERIAL.remove_under(turn.world, &appid) {
        let order = (appid.clone(), Id::from(item.kind.as_str()), item.order);
        ADDED.remove(turn.world, &order);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Item)> = { MATERIAL.all(world) }
        .map(|(key, item)| (key.clone(), item.clone()))
        .collect();
    for ((appid, media_id), item) in all {
        enter(world, &appid, media_id, &item);
    }
}
