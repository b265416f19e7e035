// A bot on released silenceper/wechat v2.1.12. See ../README.md for what it speaks.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	wechat "github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
	"github.com/sirupsen/logrus"
)

const name = "silenceper"

var account *officialaccount.OfficialAccount

func answer(in *message.MixMessage) *message.Reply {
	text := func(content string) *message.Reply {
		return &message.Reply{MsgType: message.MsgTypeText, MsgData: message.NewText(content)}
	}
	if in.MsgType == message.MsgTypeEvent {
		if in.Event == message.EventClick {
			return text(name + ": clicked " + in.EventKey)
		}
		return nil
	}
	if in.MsgType != message.MsgTypeText {
		return text(fmt.Sprintf("%s: got %s", name, in.MsgType))
	}
	word, rest, _ := strings.Cut(in.Content, " ")
	switch word {
	case "silence":
		return nil
	case "image":
		return &message.Reply{MsgType: message.MsgTypeImage, MsgData: message.NewImage(rest)}
	case "news":
		article := message.NewArticle(name+": title", "description", "https://example.com/a.jpg", "https://example.com/a")
		return &message.Reply{MsgType: message.MsgTypeNews, MsgData: message.NewNews([]*message.Article{article})}
	case "cdata":
		return text("a]]>b")
	case "push":
		to := string(in.FromUserName)
		if err := account.GetCustomerMessageManager().Send(message.NewCustomerTextMessage(to, name+": pushed")); err != nil {
			return text(name + ": " + err.Error())
		}
	}
	return text(name + ": " + in.Content)
}

func handle(w http.ResponseWriter, r *http.Request) {
	server := account.GetServer(r, w)
	server.SetMessageHandler(answer)
	if err := server.Serve(); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if r.Method == http.MethodGet {
		return
	}
	if err := server.Send(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

type command struct {
	Step, OpenID, Content, Path string
	Short                       string
	MediaID                     string `json:"media_id"`
	TemplateID                  string `json:"template_id"`
	RedirectURI                 string `json:"redirect_uri"`
	Scope, Code                 string
	MsgID                       int64  `json:"msg_id"`
	Menu                        json.RawMessage
}

func run(line []byte) (any, error) {
	var c command
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, err
	}
	switch c.Step {
	case "token":
		return account.GetAccessToken()
	case "user":
		return account.GetUser().GetUserInfo(c.OpenID)
	case "custom":
		return nil, account.GetCustomerMessageManager().Send(message.NewCustomerTextMessage(c.OpenID, c.Content))
	case "custom_image":
		return nil, account.GetCustomerMessageManager().Send(message.NewCustomerImgMessage(c.OpenID, c.MediaID))
	case "menu_get":
		return account.GetMenu().GetMenu()
	case "menu_create":
		return nil, account.GetMenu().SetMenuByJSON(string(c.Menu))
	case "menu_delete":
		return nil, account.GetMenu().DeleteMenu()
	case "media_upload":
		return account.GetMaterial().MediaUpload(material.MediaTypeImage, c.Path)
	case "media_get":
		url, err := account.GetMaterial().GetMediaURL(c.MediaID)
		if err != nil {
			return nil, err
		}
		body, err := util.HTTPGet(url)
		return map[string]any{"size": len(body)}, err
	case "material_upload":
		id, url, err := account.GetMaterial().AddMaterial(material.MediaTypeImage, c.Path)
		return map[string]any{"media_id": id, "url": url}, err
	case "template_add":
		return account.GetTemplate().Add(c.Short, nil)
	case "template_send":
		return account.GetTemplate().Send(&message.TemplateMessage{
			ToUser:     c.OpenID,
			TemplateID: c.TemplateID,
			URL:        "https://example.com/a",
			Data:       map[string]*message.TemplateDataItem{"orderMoneySum": {Value: c.Content}},
		})
	case "mass":
		return account.GetBroadcast().SendText(nil, c.Content)
	case "mass_state":
		return account.GetBroadcast().GetMassStatus(fmt.Sprint(c.MsgID))
	case "oauth_url":
		return account.GetOauth().GetRedirectURL(c.RedirectURI, c.Scope, "s1")
	case "oauth_login":
		return login(c.Code)
	case "kf_list":
		return account.GetCustomerServiceManager().List()
	}
	return nil, fmt.Errorf("unknown step %s", c.Step)
}

// login spends a code, and does what an app does with a person's token.
func login(code string) (any, error) {
	oauth := account.GetOauth()
	token, err := oauth.GetUserAccessToken(code)
	if err != nil {
		return nil, err
	}
	user, err := oauth.GetUserInfo(token.AccessToken, token.OpenID, "zh_CN")
	if err != nil {
		return nil, err
	}
	again, err := oauth.RefreshAccessToken(token.RefreshToken)
	if err != nil {
		return nil, err
	}
	valid, err := oauth.CheckAccessToken(again.AccessToken, token.OpenID)
	return map[string]any{"openid": token.OpenID, "nickname": user.Nickname, "valid": valid}, err
}

// Reads a step a line and prints what came of it.
func steps(run func([]byte) (any, error)) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		result := map[string]any{}
		value, err := run(lines.Bytes())
		if err == nil {
			result["ok"], result["value"] = true, value
		} else {
			result["ok"], result["error"] = false, err.Error()
			var common *util.CommonError
			if errors.As(err, &common) {
				result["code"] = common.ErrCode
			}
		}
		out, err := json.Marshal(result)
		if err != nil {
			out = []byte(`{"ok": false, "error": "result is not JSON"}`)
		}
		fmt.Println(string(out))
	}
}

func main() {
	logrus.SetOutput(io.Discard)
	if origin := os.Getenv("BOT_API"); origin != "" {
		util.SetURIModifier(func(uri string) string {
			return strings.Replace(uri, "https://api.weixin.qq.com", origin, 1)
		})
	}
	if os.Args[1] == "component" {
		component(os.Args[2])
		return
	}
	account = wechat.NewWechat().GetOfficialAccount(&config.Config{
		AppID:          os.Getenv("BOT_APPID"),
		AppSecret:      os.Getenv("BOT_SECRET"),
		Token:          os.Getenv("BOT_TOKEN"),
		EncodingAESKey: os.Getenv("BOT_AES_KEY"),
		Cache:          cache.NewMemory(),
	})
	if os.Args[1] == "api" {
		steps(run)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("{\"listening\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	_ = http.Serve(listener, http.HandlerFunc(handle))
}
