// The settings of an app in the form that its framework takes. Pure.
import type { Account } from "../api/types";

export const forms = ["env", "Spring", "EasyWeChat", "Docker", "Go"] as const;
export type Form = (typeof forms)[number];

const API = "api.weixin.qq.com";
/** Hosts that nearly every app calls; the others are folded. */
export const USUAL = [API, "open.weixin.qq.com", "mp.weixin.qq.com", "qyapi.weixin.qq.com", "api.mch.weixin.qq.com"];
const variable = (host: string) => `XINQIAO_HOST_${host.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
const line = (name: string, value: string | undefined) => (value ? [`${name}=${value}`] : []);

function plain(account: Account, endpoints: Record<string, string>): string[] {
  return [
    `XINQIAO_APPID=${account.appid}`,
    `XINQIAO_SECRET=${account.secret}`,
    ...line("XINQIAO_TOKEN", account.token),
    ...line("XINQIAO_AES_KEY", account.aes_key),
    ...USUAL.flatMap((host) => line(variable(host), endpoints[host])),
  ];
}

export function settings(form: Form, account: Account, endpoints: Record<string, string>): string {
  const origin = endpoints[API] ?? "";
  switch (form) {
    case "env":
      return plain(account, endpoints).join("\n");
    case "Docker":
      // This machine as seen from a container.
      return plain(account, endpoints).join("\n").replace(/\/\/(127\.0\.0\.1|localhost):/g, "//host.docker.internal:");
    case "Spring":
      // All three hosts: with the first alone, web login goes to the real platform.
      return [
        `wx.mp.app-id=${account.appid}`,
        `wx.mp.secret=${account.secret}`,
        ...line("wx.mp.token", account.token),
        ...line("wx.mp.aes-key", account.aes_key),
        ...line("wx.mp.hosts.api-host", endpoints[API]),
        ...line("wx.mp.hosts.open-host", endpoints["open.weixin.qq.com"]),
        ...line("wx.mp.hosts.mp-host", endpoints["mp.weixin.qq.com"]),
      ].join("\n");
    case "EasyWeChat":
      return `[
    'app_id' => '${account.appid}',
    'secret' => '${account.secret}',
    'token' => '${account.token ?? ""}',
    'aes_key' => '${account.aes_key ?? ""}',
    'use_stable_access_token' => false,
    'http' => ['base_uri' => '${origin}/'],
]`;
    case "Go":
      return `util.SetURIModifier(func(uri string) string {
	return strings.Replace(uri, "https://${API}", "${origin}", 1)
})
account := wechat.NewWechat().GetOfficialAccount(&config.Config{
	AppID:          "${account.appid}",
	AppSecret:      "${account.secret}",
	Token:          "${account.token ?? ""}",
	EncodingAESKey: "${account.aes_key ?? ""}",
	Cache:          cache.NewMemory(),
})`;
  }
}
