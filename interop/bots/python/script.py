"""What a user runs under `xinqiao exec`: released wechatpy, no setting that knows of Xinqiao."""

import json
import os

from wechatpy import WeChatClient

client = WeChatClient(os.environ["WECHAT_APPID"], os.environ["WECHAT_SECRET"])
openid = os.environ["WECHAT_OPENID"]
result = {"token": client.access_token}
result["custom"] = client.message.send_text(openid, os.environ.get("WECHAT_TEXT", "来自 wechatpy"))
result["user"] = client.user.get(openid)
print(json.dumps(result, ensure_ascii=False))
