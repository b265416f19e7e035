'use strict';
// A bot on released co-wechat 2.4.0 and co-wechat-api 3.11.0. See ../README.md for what it speaks.

const readline = require('readline');
const Koa = require('koa');
const wechat = require('co-wechat');
const WechatAPI = require('co-wechat-api');

const { BOT_APPID, BOT_SECRET, BOT_TOKEN, BOT_AES_KEY, BOT_API } = process.env;
const NAME = 'co-wechat';

const api = new WechatAPI(BOT_APPID, BOT_SECRET);
if (BOT_API) {
  api.prefix = `${BOT_API}/cgi-bin/`;
  api.customservicePrefix = `${BOT_API}/customservice/`;
  api.fileServerPrefix = `${BOT_API}/cgi-bin/`;
}

async function answer(message) {
  if (message.MsgType === 'event') {
    return message.Event === 'CLICK' ? `${NAME}: clicked ${message.EventKey}` : '';
  }
  if (message.MsgType !== 'text') return `${NAME}: got ${message.MsgType}`;
  const [word, rest] = message.Content.split(' ', 2);
  switch (word) {
    case 'silence': return '';
    case 'image': return { type: 'image', content: { mediaId: rest } };
    case 'voice': return { type: 'voice', content: { mediaId: rest } };
    case 'video': return { type: 'video', content: { mediaId: rest, title: `${NAME}: title`, description: '' } };
    case 'music': {
      const music = { title: `${NAME}: title`, description: '', musicUrl: 'https://example.com/a.mp3', hqMusicUrl: '' };
      // An object without a type is music, too.
      return rest === 'bare' ? music : { type: 'music', content: music };
    }
    case 'transfer': return { type: 'customerService', kfAccount: rest };
    case 'news': return [{
      title: `${NAME}: title`, description: 'description',
      picurl: 'https://example.com/a.jpg', url: 'https://example.com/a',
    }];
    case 'cdata': return 'a]]>b';
    case 'push': await api.sendText(message.FromUserName, `${NAME}: pushed`);
  }
  return `${NAME}: ${message.Content}`;
}

function serve(port) {
  const app = new Koa();
  app.silent = true;
  app.use(wechat({ token: BOT_TOKEN, appid: BOT_APPID, encodingAESKey: BOT_AES_KEY }).middleware(answer));
  const server = app.listen(port, '127.0.0.1', () => {
    console.log(JSON.stringify({ listening: server.address().port }));
  });
}

async function run(command) {
  switch (command.step) {
    case 'token': return (await api.ensureAccessToken()).accessToken;
    case 'refetch': return (await api.getAccessToken()).accessToken;
    case 'user': return api.getUser({ openid: command.openid, lang: 'zh_CN' });
    case 'custom': return api.sendText(command.openid, command.content);
    case 'custom_image': return api.sendImage(command.openid, command.media_id);
    case 'menu_get': return api.getMenu();
    case 'menu_create': return api.createMenu(command.menu);
    case 'menu_delete': return api.removeMenu();
    case 'media_upload': return api.uploadMedia(command.path, 'image');
    case 'media_get': {
      const got = await api.getMedia(command.media_id);
      return { size: got.length, buffer: Buffer.isBuffer(got) };
    }
    case 'material_upload': return api.uploadMaterial(command.path, 'image');
    case 'template_add': return (await api.addTemplate(command.short)).template_id;
    case 'template_send': {
      const data = { orderMoneySum: { value: command.content } };
      return api.sendTemplate(command.openid, command.template_id, 'https://example.com/a', '#000000', data);
    }
    case 'mass': return api.massSendText(command.content, true);
    case 'mass_state': return api.getMassMessageStatus(command.msg_id);
    case 'kf_list': return api.getCustomServiceList();
    default: throw new Error(`unknown step ${command.step}`);
  }
}

async function calls() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let result;
    try {
      const value = await run(JSON.parse(line));
      result = { ok: true, value, buffer: Buffer.isBuffer(value) };
    } catch (error) {
      result = { ok: false, code: error.code ?? null, error: String(error.message) };
    }
    console.log(JSON.stringify(result));
  }
}

if (process.argv[2] === 'serve') serve(Number(process.argv[3]));
else calls();
