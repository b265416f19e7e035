// Waits until somebody scanned the page's code, as the platform's page does, and goes where they let the browser go.
(function (document) {
  "use strict";
  const own = document.currentScript.dataset;
  const state = document.getElementById("state");
  const goes = (to) => ((own.framed === "true" ? window : window.top).location.href = to);

  async function wait(last) {
    const response = await fetch(own.asks + "?uuid=" + encodeURIComponent(own.uuid) + "&last=" + last);
    const [, errcode, code] = /wx_errcode=(\d+);window\.wx_code='(\w*)'/.exec(await response.text());
    if (errcode === "405") return goes(own.to.replace("__CODE__", code));
    if (own[errcode]) state.textContent = own[errcode];
    if (errcode === "403" && own.refused) return goes(own.refused);
    if (errcode !== "402" && errcode !== "403") setTimeout(wait, 1000, errcode);
  }
  wait("");
})(document);
