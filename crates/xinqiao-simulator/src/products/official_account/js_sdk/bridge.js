// Makes a page one in a phone of Xinqiao: puts `WeixinJSBridge` there, as the client does inside WeChat, and hands on
// what the page asks of it. Where no phone opened the site it does nothing.
//
// Load it before the platform's script, which looks for the client's name in the user agent when it starts.
(function (window, document) {
  "use strict";
  if (window.WeixinJSBridge) return;
  const ASKED = "__ASKED__";
  const TAB = "xinqiao.tab";
  // The platform judges the address under which the page was loaded, not where a page that never reloads went since.
  const landed = location.href;

  function kept() {
    try {
      return sessionStorage.getItem(TAB) || "";
    } catch {
      return "";
    }
  }

  function begin() {
    // The platform's script decides while it loads whether it is in the client, so this cannot wait.
    const asking = new XMLHttpRequest();
    asking.open("POST", ASKED, false);
    try {
      asking.send(JSON.stringify({ tab: kept(), url: landed }));
      return JSON.parse(asking.responseText);
    } catch (error) {
      return { error: "the simulator does not answer at " + ASKED + ": " + error };
    }
  }

  const begun = begin();
  if (begun.error) {
    console.info("[xinqiao] not a page in a phone: " + begun.error);
    return;
  }
  try {
    sessionStorage.setItem(TAB, begun.tab);
  } catch {
    // A page without storage is a new tab each time.
  }

  const agent = navigator.userAgent;
  if (!/MicroMessenger/i.test(agent)) {
    const own = agent + " MicroMessenger/8.0.50(0x1800322f) NetType/WIFI Language/" + navigator.language.replace("-", "_");
    Object.defineProperty(navigator, "userAgent", { configurable: true, get: () => own });
  }
  const onAndroid = /android/i.test(agent);
  const onApple = /iphone|ipad/i.test(agent);

  async function ask(name, params, said) {
    const sent = { tab: begun.tab, url: landed, name, params };
    if (said !== undefined) sent.said = said;
    const response = await fetch(ASKED, { method: "POST", body: JSON.stringify(sent) });
    return response.json();
  }

  /** Asks the person: what they filled in, or false. */
  function sheet(asks) {
    return new Promise((resolve) => {
      const host = document.createElement("xinqiao-sheet");
      const root = host.attachShadow({ mode: "open" });
      const style = document.createElement("style");
      style.textContent =
        ":host{all:initial;position:fixed;inset:auto 0 0 0;z-index:2147483647;font:16px/1.5 system-ui,sans-serif;" +
        "background:#fff;color:#191919;box-shadow:0 0 0 100vmax rgba(0,0,0,.45);border-radius:12px 12px 0 0}" +
        "form{padding:1.2em;display:grid;gap:.8em}label{display:grid;gap:.2em;font-size:.85em}" +
        "input,button{font:inherit;padding:.5em;border-radius:8px;border:1px solid #ccc}" +
        "button.yes{background:#07c160;color:#fff;border-color:#07c160}h1{font-size:1.1em;font-weight:500;margin:0;text-align:center}";
      const form = document.createElement("form");
      const title = document.createElement("h1");
      title.textContent = asks.title;
      form.append(title);
      const inputs = asks.fields.map((field) => {
        const label = document.createElement("label");
        const input = document.createElement("input");
        label.append(field.label, input);
        input.name = field.name;
        input.value = field.value;
        form.append(label);
        return input;
      });
      function end(said) {
        host.remove();
        resolve(said);
      }
      for (const which of ["yes", "no"]) {
        if (!asks[which]) continue;
        const button = document.createElement("button");
        button.type = "button";
        button.className = which;
        button.textContent = asks[which];
        button.onclick = () => end(which === "yes" ? Object.fromEntries(inputs.map((input) => [input.name, input.value])) : false);
        form.append(button);
      }
      form.onsubmit = (event) => {
        event.preventDefault();
        form.querySelector(".yes").click();
      };
      root.append(style, form);
      document.documentElement.append(host);
    });
  }

  /** The forms in which clients on Android and Apple's phones hand over the same. */
  function asClient(name, answer) {
    if (onAndroid && answer.checkResult) answer.checkResult = JSON.stringify(answer.checkResult);
    if (onApple && name === "scanQRCode" && answer.resultStr) {
      answer.resultStr = JSON.stringify({ scan_code: { scan_result: answer.resultStr } });
    }
    return answer;
  }

  async function answered(name, params) {
    const plain = JSON.parse(JSON.stringify(params || {}));
    let answer = await ask(name, plain);
    if (answer.ask) answer = await ask(name, plain, await sheet(answer.ask));
    return answer;
  }

  function invoke(name, params, callback) {
    answered(name, params).then(
      (answer) => {
        const { close, alert, error, ...told } = answer;
        if (error) {
          console.warn("[xinqiao] " + name + ": " + error);
          told.err_msg = name + ":fail";
        }
        if (alert) sheet({ title: alert, fields: [], yes: "OK" });
        if (callback) callback(asClient(name, told));
        if (close) {
          window.close();
          // A tab that no script opened stays; an empty page is as good.
          if (!window.closed) location.replace("about:blank");
        }
      },
      (error) => {
        console.warn("[xinqiao] the simulator does not answer: " + error);
        if (callback) callback({ err_msg: name + ":fail" });
      },
    );
  }

  window.WeixinJSBridge = {
    invoke,
    call: invoke,
    on(name) {
      console.info("[xinqiao] the phone has no event " + name + " yet");
    },
    log() {},
  };

  function ready() {
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else setTimeout(ready);
})(window, document);
