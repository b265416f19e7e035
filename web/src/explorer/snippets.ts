// The same request in curl and six languages: to be pasted and run, with the token in one place.
import type { Endpoint } from "../api/types";
import type { Sent } from "./form";

export const languages = ["curl", "Python", "Node", "Java", "PHP", "Go", "Rust"] as const;
export type Language = (typeof languages)[number];

const quoted = (text: string) => JSON.stringify(text);
const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const php = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

interface Parts {
  url: string;
  json: string | undefined;
  files: string[];
  form: [string, string][];
  method: string;
}

/** Where it goes, with its query; of what is signed only the SDK knows the signature. */
function parts(endpoint: Endpoint, request: Sent, base: string, token: string): Parts {
  const query = new URLSearchParams(request.query);
  if (endpoint.auth_param && !query.has(endpoint.auth_param)) query.set(endpoint.auth_param, token);
  const tail = query.toString();
  const object = request.body && typeof request.body === "object" ? (request.body as Record<string, unknown>) : {};
  const multipart = request.content === "multipart";
  const fields = endpoint.request.filter((field) => field.type !== "file" && object[field.name] !== undefined);
  return {
    url: `${base}${request.path}${tail ? `?${tail}` : ""}`,
    method: request.method,
    json: request.body === undefined || multipart || request.content === "form" ? undefined : JSON.stringify(request.body),
    files: multipart ? endpoint.request.filter((field) => field.type === "file").map((field) => field.name) : [],
    form: multipart || request.content === "form" ? fields.map((field): [string, string] => [field.name, text(object[field.name])]) : [],
  };
}
const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));

const FILE = "photo.jpg";

function curl({ url, method, json, files, form }: Parts): string {
  const lines = [`curl ${shell(url)}`];
  const flag = files.length ? "-F" : "--data-urlencode";
  if (json !== undefined) lines.push(`-H 'content-type: application/json'`, `-d ${shell(json)}`);
  for (const [name, value] of form) lines.push(`${flag} ${shell(`${name}=${value}`)}`);
  for (const name of files) lines.push(`-F ${shell(`${name}=@${FILE}`)}`);
  if (method !== (lines.length > 1 ? "POST" : "GET")) lines.splice(1, 0, `-X ${method}`);
  return lines.join(" \\\n  ");
}

function python({ url, method, json, files, form }: Parts): string {
  const given = [quoted(method), quoted(url)];
  if (json !== undefined) given.push(`data=${quoted(json)}.encode()`, `headers={"content-type": "application/json"}`);
  if (form.length) given.push(`data={${form.map(([name, value]) => `${quoted(name)}: ${quoted(value)}`).join(", ")}}`);
  if (files.length) given.push(`files={${files.map((name) => `${quoted(name)}: open(${quoted(FILE)}, "rb")`).join(", ")}}`);
  return `import requests\n\nanswer = requests.request(\n    ${given.join(",\n    ")},\n)\nprint(answer.status_code, answer.text)`;
}

function node({ url, method, json, files, form }: Parts): string {
  const lines: string[] = [];
  const given = [`method: ${quoted(method)}`];
  if (json !== undefined) given.push(`headers: { "content-type": "application/json" }`, `body: ${quoted(json)}`);
  if (files.length || form.length) {
    if (files.length) lines.push(`import { openAsBlob } from "node:fs";\n`);
    lines.push(`const form = new ${files.length ? "FormData" : "URLSearchParams"}();`);
    for (const [name, value] of form) lines.push(`form.append(${quoted(name)}, ${quoted(value)});`);
    for (const name of files) lines.push(`form.append(${quoted(name)}, await openAsBlob(${quoted(FILE)}), ${quoted(FILE)});`);
    given.push("body: form");
  }
  lines.push(`const answer = await fetch(${quoted(url)}, {\n  ${given.join(",\n  ")},\n});`, "console.log(answer.status, await answer.text());");
  return lines.join("\n");
}

const encoded = (form: [string, string][]) => new URLSearchParams(form).toString();
const BOUNDARY = "xinqiao";
/** A multipart body for languages whose libraries write none: the text before the file, and after it. */
function around(files: string[], form: [string, string][]): [string, string] {
  const head = form.map(([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`).join("");
  const file = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${files[0] ?? ""}"; filename="${FILE}"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  return [head + file, `\r\n--${BOUNDARY}--\r\n`];
}

function java({ url, method, json, files, form }: Parts): string {
  const [before, after] = around(files, form);
  const type = json !== undefined ? "application/json" : files.length ? `multipart/form-data; boundary=${BOUNDARY}` : form.length ? "application/x-www-form-urlencoded" : "";
  const publisher = files.length
    ? `BodyPublishers.concat(BodyPublishers.ofString(${quoted(before)}), BodyPublishers.ofFile(Path.of(${quoted(FILE)})), BodyPublishers.ofString(${quoted(after)}))`
    : json !== undefined || form.length
      ? `BodyPublishers.ofString(${quoted(json ?? encoded(form))})`
      : "BodyPublishers.noBody()";
  return `import java.net.URI;
import java.net.http.*;
import java.net.http.HttpRequest.BodyPublishers;
${files.length ? "import java.nio.file.Path;\n" : ""}
public class Call {
    public static void main(String[] args) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(${quoted(url)}))
${type ? `            .header("content-type", ${quoted(type)})\n` : ""}            .method(${quoted(method)}, ${publisher})
            .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}`;
}

function phpOf({ url, method, json, files, form }: Parts): string {
  const options = [`CURLOPT_RETURNTRANSFER => true`, `CURLOPT_CUSTOMREQUEST => ${php(method)}`];
  if (json !== undefined) options.push(`CURLOPT_HTTPHEADER => ['content-type: application/json']`, `CURLOPT_POSTFIELDS => ${php(json)}`);
  else if (files.length) {
    const own = [...form.map(([name, value]) => `${php(name)} => ${php(value)}`), ...files.map((name) => `${php(name)} => new CURLFile(${php(FILE)})`)];
    options.push(`CURLOPT_POSTFIELDS => [${own.join(", ")}]`);
  } else if (form.length) options.push(`CURLOPT_POSTFIELDS => ${php(encoded(form))}`);
  return `<?php\n$call = curl_init(${php(url)});\ncurl_setopt_array($call, [\n    ${options.join(",\n    ")},\n]);\necho curl_exec($call), PHP_EOL;`;
}

function go({ url, method, json, files, form }: Parts): string {
  const [before, after] = around(files, form);
  const type = json !== undefined ? "application/json" : files.length ? `multipart/form-data; boundary=${BOUNDARY}` : form.length ? "application/x-www-form-urlencoded" : "";
  const body = files.length ? "body" : json !== undefined || form.length ? `strings.NewReader(${quoted(json ?? encoded(form))})` : "nil";
  const imports = ["fmt", "io", "net/http", ...(files.length ? ["os"] : []), ...(body === "nil" ? [] : ["strings"])];
  const file = files.length ? `\tfile, err := os.Open(${quoted(FILE)})\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tbody := io.MultiReader(strings.NewReader(${quoted(before)}), file, strings.NewReader(${quoted(after)}))\n` : "";
  return `package main

import (
${imports.map((name) => `\t"${name}"`).join("\n")}
)

func main() {
${file}\trequest, err := http.NewRequest(${quoted(method)}, ${quoted(url)}, ${body})
\tif err != nil {
\t\tpanic(err)
\t}
${type ? `\trequest.Header.Set("content-type", ${quoted(type)})\n` : ""}\tanswer, err := http.DefaultClient.Do(request)
\tif err != nil {
\t\tpanic(err)
\t}
\tdefer answer.Body.Close()
\ttext, _ := io.ReadAll(answer.Body)
\tfmt.Println(answer.StatusCode, string(text))
}`;
}

/** Where the keys come from, by product: an account's, unless something else stands here. */
const CLIENTS: Record<string, [string, string] | undefined> = {
  work: ["Environment", "Environment::process().corp()?.build()?"],
  open_platform: ["Environment", "Environment::process().component()?.1.build()?"],
  pay_v3: ["Environment", "Environment::process().pay_v3()?.1.build()?"],
  pay_v2: ["Environment", "Environment::process().pay_v2()?.1.build()?"],
};

/** Rust has the project's own SDK: the token, a signature and the address are its business. */
function rust(endpoint: Endpoint, request: Sent, files: string[]): string {
  const object = request.body && typeof request.body === "object" && !Array.isArray(request.body) ? (request.body as Record<string, unknown>) : {};
  const fields = JSON.stringify({ ...request.query, ...object }, null, 4).replaceAll("\n", "\n        ");
  const file = files.map((name) => `\n        .file(${quoted(name)}, xinqiao::FilePart::new(${quoted(FILE)}, std::fs::read(${quoted(FILE)})?))`).join("");
  const [uses, client] = CLIENTS[endpoint.product] ?? ["Client", "Client::from_env()?"];
  return `use serde_json::json;
use xinqiao::${uses};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = ${client};
    let answer = client
        .call(${quoted(endpoint.id)}, json!(${fields}))${file}
        .await?;
    println!("{answer}");
    Ok(())
}`;
}

export function snippet(language: Language, endpoint: Endpoint, request: Sent, base: string, token: string): string {
  const all = parts(endpoint, request, base, token);
  switch (language) {
    case "curl":
      return curl(all);
    case "Python":
      return python(all);
    case "Node":
      return node(all);
    case "Java":
      return java(all);
    case "PHP":
      return phpOf(all);
    case "Go":
      return go(all);
    case "Rust":
      return rust(endpoint, request, all.files);
  }
}
