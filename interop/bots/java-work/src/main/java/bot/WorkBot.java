package bot;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.cp.api.WxCpService;
import me.chanjar.weixin.cp.api.impl.WxCpServiceImpl;
import me.chanjar.weixin.cp.bean.WxCpDepart;
import me.chanjar.weixin.cp.bean.WxCpUser;
import me.chanjar.weixin.cp.bean.message.WxCpMessage;
import me.chanjar.weixin.cp.bean.message.WxCpMessageSendResult;
import me.chanjar.weixin.cp.bean.message.WxCpXmlMessage;
import me.chanjar.weixin.cp.bean.message.WxCpXmlOutMessage;
import me.chanjar.weixin.cp.bean.message.WxCpXmlOutNewsMessage;
import me.chanjar.weixin.cp.config.impl.WxCpDefaultConfigImpl;
import me.chanjar.weixin.cp.util.crypto.WxCpCryptUtil;

/** A bot for an application of WeCom on released WxJava (weixin-java-cp 4.6.0). {@code BOT_APPID} is corpid:agentid. */
public final class WorkBot {
  private static final String NAME = "wxjava";
  private static final Gson GSON = new Gson();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final WxCpDefaultConfigImpl config = new WxCpDefaultConfigImpl();
  private final WxCpService service = new WxCpServiceImpl();
  private final int agent;

  private WorkBot() {
    String[] account = System.getenv("BOT_APPID").split(":");
    agent = Integer.parseInt(account[1]);
    config.setCorpId(account[0]);
    config.setAgentId(agent);
    config.setCorpSecret(System.getenv("BOT_SECRET"));
    config.setToken(System.getenv("BOT_TOKEN"));
    config.setAesKey(System.getenv("BOT_AES_KEY"));
    String origin = System.getenv("BOT_API");
    if (origin != null && !origin.isEmpty()) {
      config.setBaseApiUrl(origin);
    }
    service.setWxCpConfigStorage(config);
  }

  private WxCpXmlOutMessage answer(WxCpXmlMessage in) throws WxErrorException {
    if ("event".equals(in.getMsgType())) {
      return text(in, NAME + ": " + in.getEvent() + " " + in.getAgentId());
    }
    switch (in.getContent()) {
      case "silence":
        return null;
      case "news":
        WxCpXmlOutNewsMessage.Item item = new WxCpXmlOutNewsMessage.Item();
        item.setTitle(NAME + ": title");
        item.setDescription("description");
        item.setPicUrl("https://example.com/a.jpg");
        item.setUrl("https://example.com/a");
        return WxCpXmlOutMessage.NEWS().addArticle(item).addArticle(item)
            .fromUser(in.getToUserName()).toUser(in.getFromUserName()).build();
      case "push":
        send(in.getFromUserName(), NAME + ": pushed");
        break;
      default:
        break;
    }
    return text(in, NAME + ": " + in.getContent());
  }

  private static WxCpXmlOutMessage text(WxCpXmlMessage in, String content) {
    return WxCpXmlOutMessage.TEXT().content(content)
        .fromUser(in.getToUserName()).toUser(in.getFromUserName()).build();
  }

  private WxCpMessageSendResult send(String to, String content) throws WxErrorException {
    return service.getMessageService().send(
        WxCpMessage.TEXT().agentId(agent).toUser(to).content(content).build());
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
      if (!"GET".equals(exchange.getRequestMethod())) {
        WxCpXmlMessage in = WxCpXmlMessage.fromEncryptedXml(exchange.getRequestBody(), config,
            query.get("timestamp"), query.get("nonce"), query.get("msg_signature"));
        WxCpXmlOutMessage reply = answer(in);
        out = reply == null ? "" : reply.toEncryptedXml(config);
      } else if (service.checkSignature(query.get("msg_signature"), query.get("timestamp"),
          query.get("nonce"), query.get("echostr"))) {
        out = new WxCpCryptUtil(config).decrypt(query.get("echostr"));
      } else {
        status = 403;
        out = "bad signature";
      }
    } catch (RuntimeException | WxErrorException error) {
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

  /** As the harness wants a member: the names of the wire. */
  private static Map<String, Object> member(WxCpUser user) {
    Map<String, Object> map = new HashMap<>();
    map.put("userid", user.getUserId());
    map.put("name", user.getName());
    map.put("position", user.getPosition());
    map.put("status", user.getStatus());
    if (user.getGender() != null) {
      map.put("gender", user.getGender().getCode());
    }
    if (user.getMobile() != null) {
      map.put("mobile", user.getMobile());
    }
    return map;
  }

  private static WxCpUser given(JsonObject command) {
    WxCpUser user = new WxCpUser();
    user.setUserId(command.get("user_id").getAsString());
    if (command.has("name")) {
      user.setName(command.get("name").getAsString());
    }
    if (command.has("mobile")) {
      user.setMobile(command.get("mobile").getAsString());
    }
    if (command.has("position")) {
      user.setPosition(command.get("position").getAsString());
    }
    if (command.has("department")) {
      user.setDepartIds(new Long[] {command.get("department").getAsJsonArray().get(0).getAsLong()});
    }
    return user;
  }

  private Object run(JsonObject command) throws Exception {
    String step = command.get("step").getAsString();
    switch (step) {
      case "token":
        return service.getAccessToken();
      case "refetch":
        return Map.of("access_token", service.getAccessToken(true), "errcode", 0);
      case "user":
        return member(service.getUserService().getById(command.get("userid").getAsString()));
      case "user_create":
        service.getUserService().create(given(command));
        return Map.of("errcode", 0, "errmsg", "created");
      case "user_update":
        service.getUserService().update(given(command));
        return null;
      case "user_delete":
        service.getUserService().delete(command.get("userid").getAsString());
        return null;
      case "user_list":
        Long top = command.get("department").getAsLong();
        boolean simple = command.get("simple").getAsBoolean();
        return (simple
            ? service.getUserService().listSimpleByDepartment(top, true, 0)
            : service.getUserService().listByDepartment(top, true, 0))
            .stream().map(WorkBot::member).toList();
      case "department_list":
        return service.getDepartmentService().list(null).stream()
            .map(one -> Map.of("id", one.getId(), "name", one.getName())).toList();
      case "department_create":
        WxCpDepart department = new WxCpDepart();
        department.setName(command.get("name").getAsString());
        department.setParentId(1L);
        return Map.of("id", service.getDepartmentService().create(department));
      case "send":
        String to = command.get("to").isJsonArray()
            ? command.get("to").toString().replaceAll("[\\[\\]\"]", "").replace(",", "|")
            : command.get("to").getAsString();
        WxCpMessageSendResult sent = send(to, command.get("content").getAsString());
        return sent.getInvalidUser() == null ? Map.of() : Map.of("invaliduser", sent.getInvalidUser());
      case "send_card":
        service.getMessageService().send(WxCpMessage.TEXTCARD().agentId(agent)
            .toUser(command.get("to").getAsString()).title(command.get("title").getAsString())
            .description("description").url("https://example.com/a").build());
        return null;
      default:
        throw new IllegalArgumentException("unknown step " + step);
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
    WorkBot bot = new WorkBot();
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
