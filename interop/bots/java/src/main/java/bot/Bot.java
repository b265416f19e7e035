package bot;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import me.chanjar.weixin.common.bean.WxOAuth2UserInfo;
import me.chanjar.weixin.common.bean.oauth2.WxOAuth2AccessToken;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpMessageRouter;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.bean.WxMpMassTagMessage;
import me.chanjar.weixin.mp.bean.kefu.WxMpKefuMessage;
import me.chanjar.weixin.mp.bean.material.WxMpMaterial;
import me.chanjar.weixin.mp.bean.message.WxMpXmlMessage;
import me.chanjar.weixin.mp.bean.message.WxMpXmlOutMessage;
import me.chanjar.weixin.mp.bean.message.WxMpXmlOutNewsMessage;
import me.chanjar.weixin.mp.bean.template.WxMpTemplateData;
import me.chanjar.weixin.mp.bean.template.WxMpTemplateMessage;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** A bot on released WxJava (weixin-java-mp 4.7.0). See ../README.md for what it speaks. */
public final class Bot {
  private static final String NAME = "wxjava";
  private static final Gson GSON = new Gson();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
  private final WxMpService service = new WxMpServiceImpl();
  private final WxMpMessageRouter router;

  private Bot() {
    config.setAppId(System.getenv("BOT_APPID"));
    config.setSecret(System.getenv("BOT_SECRET"));
    config.setToken(System.getenv("BOT_TOKEN"));
    config.setAesKey(System.getenv("BOT_AES_KEY"));
    String origin = System.getenv("BOT_API");
    if (origin != null && !origin.isEmpty()) {
      // Links for people keep the name that people's phones know.
      config.setHostConfig(new WxMpHostConfig(origin, "https://open.weixin.qq.com", origin));
    }
    service.setWxMpConfigStorage(config);
    router = new WxMpMessageRouter(service);
    router.rule().async(false).handler((message, context, api, session) -> answer(message)).end();
  }

  private WxMpXmlOutMessage answer(WxMpXmlMessage in) throws WxErrorException {
    if ("event".equals(in.getMsgType())) {
      return "CLICK".equals(in.getEvent()) ? text(in, NAME + ": clicked " + in.getEventKey()) : null;
    }
    if (!"text".equals(in.getMsgType())) {
      return text(in, NAME + ": got " + in.getMsgType());
    }
    String[] words = in.getContent().split(" ", 2);
    switch (words[0]) {
      case "silence":
        return null;
      case "image":
        return WxMpXmlOutMessage.IMAGE().mediaId(words[1])
            .fromUser(in.getToUser()).toUser(in.getFromUser()).build();
      case "news":
        WxMpXmlOutNewsMessage.Item item = new WxMpXmlOutNewsMessage.Item();
        item.setTitle(NAME + ": title");
        item.setDescription("description");
        item.setPicUrl("https://example.com/a.jpg");
        item.setUrl("https://example.com/a");
        return WxMpXmlOutMessage.NEWS().addArticle(item)
            .fromUser(in.getToUser()).toUser(in.getFromUser()).build();
      case "cdata":
        return text(in, "a]]>b");
      case "push":
        service.getKefuService().sendKefuMessage(
            WxMpKefuMessage.TEXT().toUser(in.getFromUser()).content(NAME + ": pushed").build());
        break;
      default:
        break;
    }
    return text(in, NAME + ": " + in.getContent());
  }

  private static WxMpXmlOutMessage text(WxMpXmlMessage in, String content) {
    return WxMpXmlOutMessage.TEXT().content(content)
        .fromUser(in.getToUser()).toUser(in.getFromUser()).build();
  }

  private static Map<String, String> query(HttpExchange exchange) {
    Map<String, String> map = new HashMap<>();
    String raw = exchange.getRequestURI().getRawQuery();
    for (String pair : (raw == null ? "" : raw).split("&")) {
      String[] parts = pair.split("=", 2);
      map.put(parts[0], parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return map;
  }

  private void handle(HttpExchange exchange) throws IOException {
    Map<String, String> query = query(exchange);
    int status = 200;
    String out;
    try {
      if (!service.checkSignature(query.get("timestamp"), query.get("nonce"), query.get("signature"))) {
        status = 403;
        out = "bad signature";
      } else if ("GET".equals(exchange.getRequestMethod())) {
        out = query.get("echostr");
      } else {
        WxMpXmlMessage in = WxMpXmlMessage.fromEncryptedXml(exchange.getRequestBody(), config,
            query.get("timestamp"), query.get("nonce"), query.get("msg_signature"));
        WxMpXmlOutMessage reply = router.route(in);
        out = reply == null ? "" : reply.toEncryptedXml(config);
      }
    } catch (RuntimeException error) {
      status = 500;
      out = error.toString();
    }
    byte[] body = out.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "text/xml; charset=utf-8");
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    if (body.length > 0) {
      exchange.getResponseBody().write(body);
    }
    exchange.close();
  }

  private Object run(JsonObject command) throws Exception {
    String openid = command.has("openid") ? command.get("openid").getAsString() : null;
    switch (command.get("step").getAsString()) {
      case "token":
        return service.getAccessToken();
      case "refetch":
        return service.getAccessToken(true);
      case "user":
        return service.getUserService().userInfo(openid);
      case "custom":
        return service.getKefuService().sendKefuMessage(
            WxMpKefuMessage.TEXT().toUser(openid).content(command.get("content").getAsString()).build());
      case "custom_image":
        return service.getKefuService().sendKefuMessage(
            WxMpKefuMessage.IMAGE().toUser(openid).mediaId(command.get("media_id").getAsString()).build());
      case "menu_get":
        return service.getMenuService().menuGet();
      case "menu_create":
        return service.getMenuService().menuCreate(command.get("menu").toString());
      case "menu_delete":
        service.getMenuService().menuDelete();
        return null;
      case "media_upload":
        return service.getMaterialService().mediaUpload("image", new File(command.get("path").getAsString()));
      case "media_get":
        File file = service.getMaterialService().mediaDownload(command.get("media_id").getAsString());
        Map<String, Object> got = new HashMap<>();
        got.put("size", Files.size(file.toPath()));
        got.put("name", file.getName());
        return got;
      case "material_upload":
        WxMpMaterial material = new WxMpMaterial();
        material.setFile(new File(command.get("path").getAsString()));
        material.setName("pixel.png");
        return service.getMaterialService().materialFileUpload("image", material);
      case "oauth_url":
        return service.getOAuth2Service().buildAuthorizationUrl(
            command.get("redirect_uri").getAsString(), command.get("scope").getAsString(), "s1");
      case "oauth_login":
        WxOAuth2AccessToken token = service.getOAuth2Service().getAccessToken(command.get("code").getAsString());
        WxOAuth2UserInfo person = service.getOAuth2Service().getUserInfo(token, "zh_CN");
        WxOAuth2AccessToken again = service.getOAuth2Service().refreshAccessToken(token.getRefreshToken());
        return Map.of("openid", token.getOpenId(), "nickname", person.getNickname(),
            "valid", service.getOAuth2Service().validateAccessToken(again));
      case "template_add":
        return service.getTemplateMsgService().addTemplate(command.get("short").getAsString());
      case "template_send":
        return service.getTemplateMsgService().sendTemplateMsg(
            WxMpTemplateMessage.builder().toUser(openid).templateId(command.get("template_id").getAsString())
                .url("https://example.com/a")
                .data(List.of(new WxMpTemplateData("orderMoneySum", command.get("content").getAsString())))
                .build());
      case "mass":
        WxMpMassTagMessage mass = new WxMpMassTagMessage();
        mass.setMsgType("text");
        mass.setContent(command.get("content").getAsString());
        mass.setSendAll(true);
        return service.getMassMessageService().massGroupMessageSend(mass);
      case "mass_state":
        return service.getMassMessageService().messageMassGet(command.get("msg_id").getAsLong());
      case "kf_list":
        return service.getKefuService().kfList();
      default:
        throw new IllegalArgumentException("unknown step");
    }
  }

  private void api() throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject result = new JsonObject();
      try {
        Object value = run(JsonParser.parseString(line).getAsJsonObject());
        result.addProperty("ok", true);
        result.add("value", GSON.toJsonTree(value));
      } catch (WxErrorException error) {
        result.addProperty("ok", false);
        result.addProperty("code", error.getError().getErrorCode());
        result.addProperty("error", error.getError().getErrorMsg());
      } catch (Exception error) {
        result.addProperty("ok", false);
        result.addProperty("error", error.toString());
      }
      OUT.println(GSON.toJson(result));
    }
  }

  /** Entry point: {@code serve PORT} or {@code api}. */
  public static void main(String[] args) throws IOException {
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Bot bot = new Bot();
    if (args[0].equals("api")) {
      bot.api();
      return;
    }
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[1])), 0);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/", exchange -> {
      try {
        bot.handle(exchange);
      } catch (IOException | RuntimeException error) {
        exchange.close();
      }
    });
    server.start();
    OUT.println("{\"listening\": " + server.getAddress().getPort() + "}");
  }
}
