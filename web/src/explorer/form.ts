// From an endpoint's fields to a form's values, and from these to a request. Pure.
import type { Endpoint, Meant } from "../api/types";

/** What a form holds: texts of single fields, and of groups their fields; a group that is not sent is none. */
export type Values = { [name: string]: string | Values | undefined };

const written = (value: unknown): string => (typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value, null, 2));

/** Whom and what the page knows: names of fields that it fills. */
export type Known = Record<string, string | undefined>;

const isGroup = (field: Meant) => field.type === "group" && !!field.fields?.length;
/** Whoever calls does not write these: the account supplies them, or they are always the same. */
export const isAsked = (field: Meant) => field.name !== "*" && !field.constant && (!field.origin || field.origin === "caller");

/** Values to begin with: what must be there has an example, the rest is empty. */
export function initial(fields: Meant[], sample: unknown, known: Known): Values {
  const given = (sample && typeof sample === "object" ? sample : {}) as Record<string, unknown>;
  const out: Values = {};
  for (const field of fields) {
    const chosen = field.case ? given[field.case.tag] === field.case.value : field.required;
    if (!isAsked(field)) continue;
    if (isGroup(field)) out[field.name] = chosen ? initial(field.fields ?? [], given[field.name], known) : undefined;
    else if (known[field.name] !== undefined && chosen) out[field.name] = known[field.name];
    else if (field.type === "file") out[field.name] = "";
    else if (field.values?.length && chosen) out[field.name] = field.values.some((one) => one.value === written(given[field.name])) ? written(given[field.name]) : (field.values[0]?.value ?? "");
    else out[field.name] = chosen ? field.example || written(given[field.name]) : "";
  }
  return out;
}

/** Whether a field is part of the request: the body of a case only while its tag says so. */
export const isShown = (field: Meant, values: Values) => isAsked(field) && (!field.case || values[field.case.tag] === field.case.value);

const BARE = new Set<Meant["type"]>(["integer", "number", "time", "flag"]);
const JSONS = new Set<Meant["type"]>(["list", "map", "any", "group"]);

function valueOf(field: Meant, text: string): unknown {
  if (JSONS.has(field.type)) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  // A number is bare if it is one that JavaScript can hold.
  if (BARE.has(field.type) && /^-?\d+(\.\d+)?$/.test(text) && Number.isSafeInteger(Math.trunc(Number(text)))) return Number(text);
  if (field.type === "flag" && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** The object that is sent; what is empty is left out, unless it must be there. */
export function built(fields: Meant[], values: Values): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.constant) out[field.name] = field.constant;
    if (!isShown(field, values)) continue;
    const own = values[field.name];
    if (own === undefined) continue;
    if (typeof own === "object") out[field.name] = built(field.fields ?? [], own);
    else if (own !== "") out[field.name] = valueOf(field, own);
  }
  return out;
}

/** Names of required fields that are empty. */
export function missing(fields: Meant[], values: Values): string[] {
  return fields.flatMap((field) => {
    if (!isShown(field, values)) return [];
    const own = values[field.name];
    if (typeof own === "object") return missing(field.fields ?? [], own).map((name) => `${field.name}.${name}`);
    return field.required && (own === undefined || own === "") ? [field.name] : [];
  });
}

/** Everything of a request that has values. */
export interface Filled {
  parameters: Values;
  query: Values;
  request: Values;
}

export const filled = (endpoint: Endpoint, known: Known): Filled => ({
  parameters: initial(endpoint.parameters, {}, known),
  query: initial(endpoint.query, {}, known),
  request: initial(endpoint.request, endpoint.bare ? {} : endpoint.sample, known),
});

const texts = (object: Record<string, unknown>) => Object.fromEntries(Object.entries(object).map(([name, value]) => [name, written(value)]));

/** A request as every program sends it. */
export interface Sent {
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
  content: string;
}

export function sent(endpoint: Endpoint, values: Filled): Sent {
  const parameters = texts(built(endpoint.parameters, values.parameters));
  const path = endpoint.path.replace(/\{(\w+)\}/g, (whole, name: string) => (parameters[name] ? encodeURIComponent(parameters[name]) : whole));
  const object = built(endpoint.request, values.request);
  const body = endpoint.content === "none" ? undefined : endpoint.bare ? Object.values(object)[0] : object;
  return { method: endpoint.method, path, query: texts(built(endpoint.query, values.query)), body, content: endpoint.content };
}
