// A third-party platform on released silenceper/wechat v2.1.12: told of tickets and grants at `/`, of messages at
// `/<appid>`; steps come on standard input. See ../README.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	wechat "github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/openplatform"
	"github.com/silenceper/wechat/v2/openplatform/config"
)

type platform struct {
	*openplatform.OpenPlatform
}

// Does what the platform is told.
func (p platform) hear(in *message.MixMessage) error {
	switch in.InfoType {
	case message.InfoTypeVerifyTicket:
		_, err := p.SetComponentAccessToken(context.Background(), in.ComponentVerifyTicket)
		return err
	case message.InfoTypeAuthorized, message.InfoTypeUpdateAuthorized:
		info, err := p.QueryAuthCode(in.AuthorizationCode)
		if err != nil {
			return err
		}
		_, err = p.RefreshAuthrToken(in.AuthorizerAppid, info.RefreshToken)
		return err
	}
	return nil
}

func (p platform) answer(appid string, in *message.MixMessage) *message.Reply {
	if in.MsgType != message.MsgTypeText {
		return nil
	}
	text := name + ": " + in.Content
	if in.Content == "push" {
		to := message.NewCustomerTextMessage(string(in.FromUserName), name+": pushed")
		if err := p.GetOfficialAccount(appid).GetCustomerMessageManager().Send(to); err != nil {
			text = name + ": " + err.Error()
		}
	}
	return &message.Reply{MsgType: message.MsgTypeText, MsgData: message.NewText(text)}
}

func (p platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	server := p.GetServer(r, w)
	told := false
	var heard error
	server.SetMessageHandler(func(in *message.MixMessage) *message.Reply {
		if told = in.InfoType != ""; told {
			heard = p.hear(in)
			return nil
		}
		return p.answer(strings.Trim(r.URL.Path, "/"), in)
	})
	if err := server.Serve(); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if heard != nil {
		http.Error(w, heard.Error(), http.StatusInternalServerError)
		return
	}
	if told {
		fmt.Fprint(w, "success")
		return
	}
	if err := server.Send(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (p platform) run(line []byte) (any, error) {
	var c struct {
		Step, AppID, OpenID, Code string
	}
	if err := json.Unmarshal(line, &c); err != nil {
		return nil, err
	}
	switch c.Step {
	case "component_token":
		return p.GetComponentAccessToken()
	case "pre_code":
		return p.GetPreCode()
	case "query_auth":
		return p.QueryAuthCode(c.Code)
	case "info":
		about, grant, err := p.GetAuthrInfo(c.AppID)
		return map[string]any{"about": about, "grant": grant}, err
	case "user":
		return p.GetOfficialAccount(c.AppID).GetUser().GetUserInfo(c.OpenID)
	}
	return nil, fmt.Errorf("unknown step %s", c.Step)
}

func component(port string) {
	own := platform{wechat.NewWechat().GetOpenPlatform(&config.Config{
		AppID:          os.Getenv("BOT_APPID"),
		AppSecret:      os.Getenv("BOT_SECRET"),
		Token:          os.Getenv("BOT_TOKEN"),
		EncodingAESKey: os.Getenv("BOT_AES_KEY"),
		Cache:          cache.NewMemory(),
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("{\"listening\": %d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() { _ = http.Serve(listener, own) }()
	steps(own.run)
}
