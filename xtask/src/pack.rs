//! From TOML to the catalog's model, and from the model to the blob.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use xinqiao_catalog as catalog;
use xinqiao_catalog::blob::{Errors, Events, Index, MAGIC, Rules, Section};
use xinqiao_catalog::{
    Auth, AuthKind, Case, Code, Content, DedupRecipe, Diagnosis, Endpoint, ErrorCode, ErrorFamily,
    Event, EventKind, EventWire, Example, Field, Grant, Host, MediaLimit, Method, Module, Origin,
    Page, PermissionRow, Product, Quota, QuotaWindow, Retry, RetryClass, Right, Route, Shape,
    Spelling, Text, TypeDef, TypeId, TypeRef, Union, Variant, When,
};

use crate::source::{
    EndpointSpec, EventSpec, FieldSpec, Fields, File, Ordered, ProductTree, Prose, read,
};

/// The whole catalog as the model has it.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) index: Index,
    pub(crate) rules: Rules,
    pub(crate) errors: Errors,
    pub(crate) sections: BTreeMap<Product, Section>,
    pub(crate) events: BTreeMap<Product, Events>,
    /// Which file a type came from, for codegen: same order as the section's types.
    pub(crate) type_files: BTreeMap<Product, Vec<String>>,
    /// Which file an endpoint came from, by id.
    pub(crate) endpoint_files: BTreeMap<&'static str, String>,
}

/// Strings of the model live for the program; equal ones share their memory.
pub(crate) fn intern(text: &str) -> &'static str {
    use std::cell::RefCell;
    thread_local! {
        static KNOWN: RefCell<HashMap<String, &'static str>> = RefCell::new(HashMap::new());
    }
    if text.is_empty() {
        return "";
    }
    KNOWN.with(|known| {
        if let Some(found) = known.borrow().get(text) {
            return *found;
        }
        let leaked: &'static str = Box::leak(text.to_owned().into_boxed_str());
        known.borrow_mut().insert(text.to_owned(), leaked);
        leaked
    })
}

fn all(items: &[String]) -> Vec<&'static str> {
    items.iter().map(|item| intern(item)).collect()
}

fn prose(text: &Prose) -> Text {
    Text { zh: intern(&text.zh), en: intern(&text.en) }
}

/// Resolves names within one file, then within the product's `types.toml`.
struct Scope<'a> {
    own: HashMap<String, TypeId>,
    shared: &'a HashMap<String, TypeId>,
    file: &'a File,
    shared_file: Option<&'a File>,
}

impl Scope<'_> {
    fn type_ref(&self, text: &str) -> Result<TypeRef> {
        let inner = |open: char, close: char| {
            text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
        };
        if let Some(item) = inner('[', ']') {
            return Ok(TypeRef::List(Box::new(self.type_ref(item)?)));
        }
        if let Some(item) = inner('{', '}') {
            return Ok(TypeRef::Map(Box::new(self.type_ref(item)?)));
        }
        Ok(match text {
            "string" => TypeRef::String,
            "int32" => TypeRef::Int32,
            "int64" => TypeRef::Int64,
            "uint64" => TypeRef::Uint64,
            "float" => TypeRef::Float,
            "bool" => TypeRef::Bool,
            "timestamp" => TypeRef::Timestamp,
            "file" => TypeRef::File,
            "bytes" => TypeRef::Bytes,
            "any" | "object" => TypeRef::Any,
            name => {
                let id = self.own.get(name).or_else(|| self.shared.get(name));
                TypeRef::Named(*id.ok_or_else(|| anyhow!("unknown type `{name}`"))?)
            }
        })
    }

    fn allowed(&self, name: &str) -> Result<Vec<&'static str>> {
        if name.is_empty() {
            return Ok(Vec::new());
        }
        let files = [Some(self.file), self.shared_file];
        files
            .into_iter()
            .flatten()
            .flat_map(|file| &file.enums.0)
            .find(|(known, _)| known == name)
            .map(|(_, values)| all(values))
            .ok_or_else(|| anyhow!("unknown enum `{name}`"))
    }

    fn shape(&self, fields: &Fields) -> Result<Shape> {
        let mut shape = Shape::default();
        for (name, spec) in &fields.0 {
            let context = || format!("field `{name}`");
            if name == "*" {
                shape.open = Some(self.type_ref(&spec.ty).with_context(context)?);
            } else if spec.union.is_empty() {
                shape.fields.push(self.field(name, spec).with_context(context)?);
            } else {
                shape.union = Some(self.union(name, &spec.union).with_context(context)?);
            }
        }
        Ok(shape)
    }

    fn union(&self, _field: &str, name: &str) -> Result<Union> {
        let files = [Some(self.file), self.shared_file];
        let (_, spec) = files
            .into_iter()
            .flatten()
            .flat_map(|file| &file.union.0)
            .find(|(known, _)| known == name)
            .ok_or_else(|| anyhow!("unknown union `{name}`"))?;
        let mut cases = Vec::new();
        for (value, case) in &spec.cases.0 {
            let ty = match case.ty.as_str() {
                "" => None,
                ty => Some(self.type_ref(ty)?),
            };
            let field = match (&ty, case.field.as_str()) {
                (None, _) => "",
                (Some(_), "") => value,
                (Some(_), field) => field,
            };
            cases.push(Case {
                value: intern(value),
                field: intern(field),
                ty,
                title: prose(&case.title),
            });
        }
        Ok(Union { name: intern(name), tag: intern(&spec.tag), cases })
    }

    fn field(&self, name: &str, spec: &FieldSpec) -> Result<Field> {
        let ty = self.type_ref(&spec.ty)?;
        let wire = match spec.wire.as_str() {
            "" => Spelling::Plain,
            "0|1" => Spelling::BoolInt,
            "Y|N" => Spelling::BoolYn,
            "true|false" => Spelling::BoolText,
            "number|numeric-string" => Spelling::NumberOrText,
            "numeric-string" => Spelling::NumericText,
            "string|number" => Spelling::TextOrNumber,
            "json-string" => Spelling::JsonText,
            "json-part" => Spelling::JsonPart,
            "comma-joined" => Spelling::Comma,
            "pipe-joined" => Spelling::Pipe,
            "semicolon-joined" => Spelling::Semicolon,
            "encrypted-xml" => Spelling::EncryptedXml,
            other => bail!("unknown wire form `{other}`"),
        };
        let origin = if !spec.constant.is_empty() {
            Origin::Constant
        } else if spec.auto {
            Origin::Auto
        } else if !spec.credential.is_empty() {
            Origin::Credential
        } else {
            Origin::Caller
        };
        let mut alternatives = Vec::new();
        for other in &spec.also {
            alternatives.push(self.type_ref(other)?);
        }
        let text = matches!(ty, TypeRef::String | TypeRef::Timestamp)
            || matches!(&ty, TypeRef::List(inner) if **inner == TypeRef::String);
        Ok(Field {
            name: intern(name),
            rust: intern(&spec.rust),
            ty,
            required: spec.required,
            required_by_docs: spec.required_doc,
            wire,
            format: intern(&spec.format),
            unit: intern(&spec.unit),
            allowed: self.allowed(&spec.allowed)?,
            constant: intern(&spec.constant),
            origin,
            credential: intern(&spec.credential),
            encrypted: spec.encrypted,
            secret: spec.secret,
            pii: spec.pii,
            numbered: name.contains('$'),
            alternatives,
            xml_only: spec.xml_only,
            json_only: spec.json_only,
            xml_name: intern(&spec.xml_name),
            cdata: text && !spec.no_cdata,
            max: spec.max,
            max_bytes: spec.max_bytes,
            code: spec.code,
            about: prose(&spec.about),
        })
    }
}

fn auth(kind: &str) -> Result<AuthKind> {
    Ok(match kind {
        "" | "none" => AuthKind::None,
        "access_token" => AuthKind::AccessToken,
        "component_access_token" => AuthKind::ComponentAccessToken,
        "suite_access_token" => AuthKind::SuiteAccessToken,
        "provider_access_token" => AuthKind::ProviderAccessToken,
        "device_access_token" => AuthKind::DeviceAccessToken,
        "model_access_token" => AuthKind::ModelAccessToken,
        "sns" => AuthKind::Sns,
        "mch" => AuthKind::Merchant,
        "webhook_key" => AuthKind::WebhookKey,
        "chatbot" => AuthKind::Chatbot,
        "openai" => AuthKind::Openai,
        other => bail!("unknown auth `{other}`"),
    })
}

fn content(name: &str) -> Result<Content> {
    Ok(match name {
        "none" => Content::None,
        "json" => Content::Json,
        "xml" => Content::Xml,
        "multipart" => Content::Multipart,
        "form" => Content::Form,
        "raw" => Content::Raw,
        "binary" => Content::Binary,
        "csv" => Content::Csv,
        other => bail!("unknown content `{other}`"),
    })
}

fn optional_content(name: &str) -> Result<Option<Content>> {
    if name.is_empty() { Ok(None) } else { content(name).map(Some) }
}

fn or<'a>(value: &'a str, default: &'a str) -> &'a str {
    if value.is_empty() { default } else { value }
}

fn endpoint(product: Product, file: &File, scope: &Scope<'_>, spec: &EndpointSpec) -> Result<Endpoint> {
    let (method, path) = spec.http.split_once(' ').ok_or_else(|| anyhow!("`http` needs a method"))?;
    let method = Method::parse(method).ok_or_else(|| anyhow!("unknown method `{method}`"))?;
    let (module, verb) =
        spec.id.rsplit_once('.').ok_or_else(|| anyhow!("id needs a module: `{}`", spec.id))?;
    let kind = auth(or(&spec.auth, &file.defaults.auth))?;
    let usual = match kind {
        AuthKind::None | AuthKind::Merchant | AuthKind::Chatbot | AuthKind::Openai => "",
        AuthKind::AccessToken | AuthKind::Sns => "access_token",
        AuthKind::ComponentAccessToken => "component_access_token",
        AuthKind::SuiteAccessToken => "suite_access_token",
        AuthKind::ProviderAccessToken => "provider_access_token",
        AuthKind::DeviceAccessToken => "device_access_token",
        AuthKind::ModelAccessToken => "model_access_token",
        AuthKind::WebhookKey => "key",
    };
    let body = match method {
        Method::Get | Method::Delete => "none",
        _ => or(&file.defaults.content, "json"),
    };
    let when = match spec.when.iter().next() {
        None => None,
        Some((place, value)) => {
            let (place, name) = place
                .split_once('.')
                .ok_or_else(|| anyhow!("`when` needs `query.` or `body.`"))?;
            Some(When { in_body: place == "body", name: intern(name), value: intern(value) })
        }
    };
    let retry = match spec.retry.as_str() {
        "safe" => Retry::Safe,
        "keyed" => Retry::Keyed,
        "never" => Retry::Never,
        "" if method == Method::Get => Retry::Safe,
        "" => Retry::Never,
        other => bail!("unknown retry `{other}`"),
    };
    let envelope = match spec.envelope.as_slice() {
        [] => None,
        [code, message] => Some([intern(code), intern(message)]),
        _ => bail!("`envelope` is [code, message]"),
    };
    Ok(Endpoint {
        id: intern(&format!("{}.{}", product.name(), spec.id)),
        was: spec.was.iter().map(|was| intern(&format!("{}.{was}", product.name()))).collect(),
        product,
        module: intern(module),
        verb: intern(verb),
        title: prose(&spec.title),
        about: prose(&spec.about),
        method,
        method_assumed: spec.method_assumed,
        host: intern(or(&spec.host, &file.defaults.host)),
        path: intern(path),
        path_alt: all(&spec.path_alt),
        when,
        absolute_url: spec.absolute_url,
        auth: Auth { kind, param: intern(or(&spec.auth_param, usual)), alternative: None },
        content: content(or(&spec.content, body))?,
        content_alt: optional_content(&spec.content_alt)?,
        answer: content(or(&spec.answer, or(&file.defaults.answer, "json")))?,
        answer_alt: optional_content(&spec.answer_alt)?,
        path_params: scope.shape(&spec.path)?,
        query: scope.shape(&spec.query)?,
        headers: scope.shape(&spec.headers)?,
        request: scope.shape(&spec.request)?,
        response: scope.shape(&spec.response)?,
        request_bare: spec.request.0.len() == 1 && spec.request.0[0].0 == "[]",
        variants: spec
            .variant
            .iter()
            .map(|variant| Variant {
                audience: intern(&variant.audience),
                request: all(&variant.request),
                response: all(&variant.response),
            })
            .collect(),
        envelope,
        permissions: Vec::new(),
        quotas: Vec::new(),
        errors: Vec::new(),
        retry,
        client_cert: spec.client_cert,
        encrypted: !spec.encryption.is_empty(),
        roles: all(if spec.roles.is_empty() { &file.defaults.roles } else { &spec.roles }),
        lines: all(&spec.lines),
        deprecated: intern(&spec.deprecated),
        partial: spec.partial,
        doc: spec
            .doc
            .iter()
            .map(|url| {
                let whole = url.starts_with("http");
                if whole { intern(url) } else { intern(&format!("{}{url}", file.defaults.doc)) }
            })
            .collect(),
        examples: spec
            .example
            .iter()
            .map(|example| Example {
                request: intern(&example.request),
                response: intern(&example.response),
            })
            .collect(),
    })
}

fn event(product: Product, scope: &Scope<'_>, spec: &EventSpec, grants: &[Grant]) -> Result<Event> {
    let kind = match spec.id.split('.').next().unwrap_or_default() {
        "event" => EventKind::Event,
        "message" => EventKind::Message,
        "info" => EventKind::Info,
        "notify" => EventKind::Notify,
        "reply" => EventKind::Reply,
        other => bail!("unknown kind `{other}`"),
    };
    let id = intern(&format!("{}.{}", product.name(), spec.id));
    Ok(Event {
        id,
        product,
        kind,
        wire: match spec.wire.as_str() {
            "xml" => EventWire::Xml,
            "json" => EventWire::Json,
            "both" | "" => EventWire::Both,
            other => bail!("unknown wire `{other}`"),
        },
        msg_type: intern(&spec.msg_type),
        event: intern(&spec.event),
        info_type: intern(&spec.info_type),
        event_type: intern(&spec.event_type),
        when: spec.when.iter().next().map(|(name, value)| (intern(name), intern(value))),
        title: prose(&spec.title),
        shape: scope.shape(&spec.fields)?,
        trigger: intern(&spec.trigger),
        reply: intern(&spec.reply),
        grant: grants.iter().find(|grant| grant.events.contains(&id)).map_or("", |grant| grant.id),
        dedup: match kind {
            EventKind::Message => "message",
            EventKind::Event => "event",
            EventKind::Info => "info",
            EventKind::Notify => "notify",
            EventKind::Reply => "",
        },
        confidence: intern(&spec.confidence),
        doc: all(&spec.doc),
    })
}

/// Compiles everything.
pub(crate) fn compile() -> Result<Catalog> {
    let mut out = Catalog { rules: rules()?, ..Catalog::default() };
    out.errors.codes = errors()?;
    out.index.hosts = hosts()?;
    for (product, tree) in read::products()? {
        product_section(&mut out, product, &tree)
            .with_context(|| format!("in product {}", product.name()))?;
    }
    relate(&mut out);
    Ok(out)
}

fn product_section(out: &mut Catalog, product: Product, tree: &ProductTree) -> Result<()> {
    let mut section = Section::default();
    let mut events = Events::default();
    let mut files = Vec::new();
    let mut shared = HashMap::new();
    let mut scopes: BTreeMap<&str, HashMap<String, TypeId>> = BTreeMap::new();
    for (name, file) in &tree.files {
        let own = if name == "types" { &mut shared } else { scopes.entry(name).or_default() };
        for (ty, _) in &file.types.0 {
            let id = TypeId(files.len() as u32);
            own.insert(ty.clone(), id);
            files.push((name.clone(), ty.clone()));
        }
    }
    let shared_file = tree.files.get("types");
    for (name, file) in &tree.files {
        let own = scopes.remove(name.as_str()).unwrap_or_default();
        let scope = Scope { own, shared: &shared, file, shared_file };
        for (ty, fields) in &file.types.0 {
            let shape =
                scope.shape(fields).with_context(|| format!("type {ty} of {name}.toml"))?;
            let module = if name == "types" { "" } else { name };
            section.types.push(TypeDef {
                name: intern(ty),
                module: intern(module),
                shape,
                about: Text::default(),
            });
        }
        for spec in &file.endpoint {
            let endpoint = endpoint(product, file, &scope, spec)
                .with_context(|| format!("endpoint {} of {name}.toml", spec.id))?;
            out.endpoint_files.insert(endpoint.id, name.clone());
            section.endpoints.push(endpoint);
        }
        for spec in &file.event {
            let event = event(product, &scope, spec, &out.rules.grants)
                .with_context(|| format!("event {} of {name}.toml", spec.id))?;
            events.events.push(event);
        }
    }
    section.endpoints.sort_by_key(|endpoint| endpoint.id);
    events.events.sort_by_key(|event| event.id);
    for module in &tree.modules {
        out.index.modules.push(Module {
            name: intern(&module.name),
            product,
            title: prose(&module.title),
        });
    }
    out.type_files.insert(product, files.into_iter().map(|(file, _)| file).collect());
    out.sections.insert(product, section);
    out.events.insert(product, events);
    Ok(())
}

/// Fills in what follows from tables: permission rows, quotas and error codes of each endpoint, and the routes.
fn relate(out: &mut Catalog) {
    let mut codes: HashMap<(ErrorFamily, &str), Vec<i64>> = HashMap::new();
    for error in &out.errors.codes {
        for path in &error.paths {
            if let Code::Number(code) = error.code {
                codes.entry((error.family, path)).or_default().push(code);
            }
        }
    }
    for (product, section) in &mut out.sections {
        for (index, endpoint) in section.endpoints.iter_mut().enumerate() {
            endpoint.errors =
                codes.get(&(product.errors(), endpoint.path)).cloned().unwrap_or_default();
            if endpoint.host == "api.weixin.qq.com" {
                endpoint.permissions = out
                    .rules
                    .permissions
                    .iter()
                    .filter(|row| row.covers.iter().any(|path| covers(path, endpoint)))
                    .map(|row| row.id)
                    .collect();
            }
            let mut quotas: Vec<&'static str> = out
                .rules
                .quotas
                .iter()
                .filter(|quota| {
                    !quota.special && quota.subject.split([' ', ',']).any(|path| path == endpoint.path)
                        && (quota.id.starts_with("wecom") == (*product == Product::Work))
                })
                .map(|quota| quota.id)
                .collect();
            quotas.dedup();
            endpoint.quotas = quotas;
            let paths = std::iter::once((endpoint.path, false))
                .chain(endpoint.path_alt.iter().map(|path| (*path, true)));
            for (path, alternative) in paths {
                out.index.routes.push(Route {
                    id: endpoint.id,
                    product: *product,
                    index: index as u32,
                    host: endpoint.host,
                    method: endpoint.method,
                    path,
                    when: endpoint.when,
                    alternative,
                });
            }
        }
    }
    out.index.routes.sort_by_key(|route| (route.host, route.path, route.method, route.id));
}

fn covers(pattern: &str, endpoint: &Endpoint) -> bool {
    let pattern = pattern.split('?').next().unwrap_or(pattern);
    match pattern.strip_suffix('*') {
        Some(prefix) => prefix.starts_with('/') && endpoint.path.starts_with(prefix),
        None => pattern == endpoint.path,
    }
}

/// Packs the blob.
pub(crate) fn pack(catalog: &Catalog) -> Result<Vec<u8>> {
    let mut sections: Vec<(String, Vec<u8>)> = vec![
        ("index".into(), deflate(&catalog.index)?),
        ("rules".into(), deflate(&catalog.rules)?),
        ("errors".into(), deflate(&catalog.errors)?),
    ];
    for (product, section) in &catalog.sections {
        sections.push((product.name().into(), deflate(section)?));
    }
    for (product, events) in &catalog.events {
        sections.push((format!("{}.events", product.name()), deflate(events)?));
    }
    let mut toc: Vec<(String, u32, u32)> = Vec::new();
    let mut body = Vec::new();
    for (name, bytes) in sections {
        toc.push((name, u32::try_from(body.len())?, u32::try_from(bytes.len())?));
        body.extend_from_slice(&bytes);
    }
    let mut out = MAGIC.to_vec();
    out.extend(postcard::to_allocvec(&toc)?);
    out.extend(body);
    Ok(out)
}

fn deflate<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let raw = postcard::to_allocvec(value)?;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&raw)?;
    Ok(encoder.finish()?)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ErrorSpec {
    name: String,
    text: String,
    status: u16,
    retry: String,
    meaning: Prose,
    remedy: Prose,
    derived: String,
    action: String,
    paths: Vec<String>,
    confidence: String,
}

fn errors() -> Result<Vec<ErrorCode>> {
    let root = read::root().join("errors");
    let mut out: BTreeMap<(ErrorFamily, Code<'static>), ErrorCode> = BTreeMap::new();
    let mut paths = read::files(&root)?;
    for family in ["weixin", "work"] {
        paths.extend(read::files(&root.join(family))?);
    }
    for path in paths {
        let relative = path.strip_prefix(&root)?.with_extension("");
        let relative = relative.to_string_lossy().into_owned();
        let (family, domain) = relative.split_once('/').unwrap_or((&relative, ""));
        let family = ErrorFamily::parse(family)
            .ok_or_else(|| anyhow!("unknown error family `{family}`"))?;
        for (code, spec) in read::toml::<Ordered<ErrorSpec>>(&path)?.0 {
            let code = match code.parse::<i64>() {
                Ok(number) => Code::Number(number),
                Err(_) => Code::Word(intern(&code)),
            };
            let by_hand = !spec.meaning.is_empty();
            let meaning = if by_hand {
                prose(&spec.meaning)
            } else {
                Text { zh: "", en: intern(&spec.derived) }
            };
            let error = ErrorCode {
                family,
                code,
                name: intern(&spec.name),
                domain: intern(domain),
                text: intern(&spec.text),
                status: spec.status,
                meaning,
                remedy: prose(&spec.remedy),
                retry: match spec.retry.as_str() {
                    "" | "never" => RetryClass::Never,
                    "now" => RetryClass::Now,
                    "later" => RetryClass::Later,
                    "refresh_token" => RetryClass::RefreshToken,
                    "next_quota_window" => RetryClass::NextQuotaWindow,
                    other => bail!("unknown retry class `{other}` in {}", path.display()),
                },
                derived: !by_hand,
                paths: all(&spec.paths),
                confidence: intern(&spec.confidence),
            };
            if out.insert((family, code), error).is_some() {
                bail!("code {code} of {} stands in two files", family.name());
            }
        }
    }
    Ok(out.into_values().collect())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleFiles {
    permission: Vec<PermissionSpec>,
    quota: Vec<QuotaSpec>,
    grant: Vec<GrantSpec>,
    dedup: Vec<DedupSpec>,
    media: Vec<MediaSpec>,
    diagnosis: Vec<DiagnosisSpec>,
    page: Vec<PageSpec>,
    host: Vec<HostSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PermissionSpec {
    id: String,
    title: Prose,
    unverified_subscription: Right,
    verified_subscription: Right,
    unverified_service: Right,
    verified_service: Right,
    test_account: Right,
    mini_program: Right,
    covers: Vec<String>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaSpec {
    id: String,
    /// Not counted by each call: some behaviour of the platform counts it.
    #[serde(default)]
    special: bool,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    applies_to: String,
    limit: u64,
    window: QuotaWindow,
    #[serde(default)]
    code: i64,
    #[serde(default)]
    note: String,
    #[serde(default)]
    confidence: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantSpec {
    id: String,
    product: Product,
    events: Vec<String>,
    messages: u32,
    seconds: u32,
    title: Prose,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DedupSpec {
    id: String,
    fields: Vec<String>,
    keep_hours: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MediaSpec {
    id: String,
    max_bytes: u64,
    formats: Vec<String>,
    #[serde(default)]
    max_seconds: u32,
    size_code: i64,
    format_code: i64,
    #[serde(default)]
    keep_seconds: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    zh: Vec<String>,
    en: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiagnosisSpec {
    rule: String,
    cause: Prose,
    remedy: Steps,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PageSpec {
    id: String,
    host: String,
    path: String,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    scope: Vec<String>,
    #[serde(default)]
    products: Vec<String>,
    #[serde(default)]
    fragment: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostSpec {
    name: String,
    #[serde(default)]
    canonical: String,
    face: String,
}

fn rule_files() -> Result<RuleFiles> {
    let root = read::root();
    let mut out = RuleFiles::default();
    let mut paths = read::files(&root)?;
    paths.extend(read::files(&root.join("diagnoses"))?);
    for path in paths {
        if path.ends_with("overrides.toml") {
            continue;
        }
        let mut file: RuleFiles = read::toml(&path)?;
        out.permission.append(&mut file.permission);
        out.quota.append(&mut file.quota);
        out.grant.append(&mut file.grant);
        out.dedup.append(&mut file.dedup);
        out.media.append(&mut file.media);
        out.diagnosis.append(&mut file.diagnosis);
        out.page.append(&mut file.page);
        out.host.append(&mut file.host);
    }
    Ok(out)
}

fn hosts() -> Result<Vec<Host>> {
    Ok(rule_files()?
        .host
        .iter()
        .map(|host| Host {
            name: intern(&host.name),
            canonical: intern(or(&host.canonical, &host.name)),
            face: intern(&host.face),
        })
        .collect())
}

fn rules() -> Result<Rules> {
    let files = rule_files()?;
    let mut rules = Rules::default();
    for row in &files.permission {
        rules.permissions.push(PermissionRow {
            id: intern(&row.id),
            title: prose(&row.title),
            unverified_subscription: row.unverified_subscription,
            verified_subscription: row.verified_subscription,
            unverified_service: row.unverified_service,
            verified_service: row.verified_service,
            test_account: row.test_account,
            mini_program: row.mini_program,
            covers: all(&row.covers),
            note: intern(&row.note),
            source: "",
            confidence: intern(&row.confidence),
        });
    }
    for quota in &files.quota {
        rules.quotas.push(Quota {
            id: intern(&quota.id),
            scope: intern(&quota.scope),
            subject: intern(&quota.subject),
            applies_to: intern(&quota.applies_to),
            limit: quota.limit,
            window: quota.window,
            code: quota.code,
            special: quota.special,
            note: intern(&quota.note),
            confidence: intern(&quota.confidence),
        });
    }
    for grant in &files.grant {
        rules.grants.push(Grant {
            id: intern(&grant.id),
            events: all(&grant.events),
            messages: grant.messages,
            seconds: grant.seconds,
            product: grant.product,
            title: prose(&grant.title),
        });
    }
    for recipe in &files.dedup {
        rules.dedup.push(DedupRecipe {
            id: intern(&recipe.id),
            fields: all(&recipe.fields),
            keep_hours: recipe.keep_hours,
        });
    }
    for media in &files.media {
        rules.media.push(MediaLimit {
            id: intern(&media.id),
            max_bytes: media.max_bytes,
            formats: all(&media.formats),
            max_seconds: media.max_seconds,
            size_code: media.size_code,
            format_code: media.format_code,
            keep_seconds: media.keep_seconds,
        });
    }
    for diagnosis in &files.diagnosis {
        rules.diagnoses.push(Diagnosis {
            rule: intern(&diagnosis.rule),
            cause: prose(&diagnosis.cause),
            remedy_zh: all(&diagnosis.remedy.zh),
            remedy_en: all(&diagnosis.remedy.en),
        });
    }
    rules.diagnoses.sort_by_key(|diagnosis| diagnosis.rule);
    if let Some(pair) = rules.diagnoses.windows(2).find(|pair| pair[0].rule == pair[1].rule) {
        bail!("diagnosis `{}` stands twice", pair[0].rule);
    }
    for page in &files.page {
        rules.pages.push(Page {
            id: intern(&page.id),
            host: intern(&page.host),
            path: intern(&page.path),
            query: all(&page.query),
            fragment: intern(&page.fragment),
            scopes: all(&page.scope),
            lines: all(&page.products),
        });
    }
    Ok(rules)
}

/// The blob's own test: what was packed is what comes out.
pub(crate) fn verify(packed: &[u8], catalog: &Catalog) -> Result<()> {
    let index: Index = catalog::blob::unpack(packed, "index")?;
    if index.routes != catalog.index.routes {
        bail!("the packed index differs");
    }
    for (product, section) in &catalog.sections {
        let back: Section = catalog::blob::unpack(packed, product.name())?;
        if back.endpoints != section.endpoints || back.types != section.types {
            bail!("the packed section {product} differs");
        }
    }
    Ok(())
}
