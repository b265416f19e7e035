// A merchant on released wechatpay-go. See ../README.md for what it speaks.
package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	partner "github.com/wechatpay-apiv3/wechatpay-go/services/partnerpayments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

var (
	appid = os.Getenv("BOT_APPID")
	mchid = os.Getenv("PAY_MCHID")
	key   = os.Getenv("PAY_V3_KEY")
	sub   = os.Getenv("PAY_SUB_MCHID")
)

// elsewhere leads the SDK's one host to the simulator; nothing that is signed changes.
type elsewhere struct{ origin *url.URL }

func (e elsewhere) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Host = request.URL.Host
	request.URL.Scheme, request.URL.Host = e.origin.Scheme, e.origin.Host
	return http.DefaultTransport.RoundTrip(request)
}

type step struct {
	Step          string `json:"step"`
	OutTradeNo    string `json:"out_trade_no"`
	TransactionID string `json:"transaction_id"`
	Openid        string `json:"openid"`
	Total         int64  `json:"total"`
	Serial        string `json:"serial"`
	OutRefundNo   string `json:"out_refund_no"`
	Refund        int64  `json:"refund"`
	FundsAccount  string `json:"funds_account"`
	Path          string `json:"path"`
}

type shop struct {
	client   *core.Client
	mgr      *downloader.CertificateDownloaderMgr
	notices  chan map[string]any
	handler  *notify.Handler
	refusing bool
	url      string
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// through leads the SDK to the simulator, if somebody says where it is.
func through() core.ClientOption {
	transport := http.DefaultTransport
	if origin := os.Getenv("BOT_API"); origin != "" {
		transport = elsewhere{must(url.Parse(origin))}
	}
	return option.WithHTTPClient(&http.Client{Transport: transport})
}

// open makes a client as the SDK's README does, with certificates or with the public key.
func open(ctx context.Context, serial string) (*core.Client, *downloader.CertificateDownloaderMgr, auth.Verifier, error) {
	private := must(utils.LoadPrivateKey(os.Getenv("PAY_KEY")))
	http := through()
	if id := os.Getenv("PAY_PUBLIC_KEY_ID"); id != "" {
		public := must(utils.LoadPublicKey(os.Getenv("PAY_PUBLIC_KEY")))
		client, err := core.NewClient(ctx, option.WithWechatPayPublicKeyAuthCipher(mchid, serial, private, id, public), http)
		return client, nil, verifiers.NewSHA256WithRSAPubkeyVerifier(id, *public), err
	}
	bare, err := core.NewClient(ctx, option.WithMerchantCredential(mchid, serial, private), option.WithoutValidator(), http)
	if err != nil {
		return nil, nil, nil, err
	}
	mgr := downloader.NewCertificateDownloaderMgr(ctx)
	if err := mgr.RegisterDownloaderWithClient(ctx, bare, mchid, key); err != nil {
		return nil, nil, nil, err
	}
	client, err := core.NewClient(ctx, option.WithWechatPayAutoAuthCipherUsingDownloaderMgr(mchid, serial, private, mgr), http)
	return client, mgr, verifiers.NewSHA256WithRSAVerifier(mgr.GetCertificateVisitor(mchid)), err
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := make(map[string]any)
	notice, err := s.handler.ParseNotifyRequest(r.Context(), r, &resource)
	if err != nil {
		s.notices <- map[string]any{"error": err.Error()}
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	told := map[string]any{"id": notice.ID, "event_type": notice.EventType, "summary": notice.Summary}
	if notice.Resource.OriginalType == "transaction" {
		transaction := new(payments.Transaction)
		must(0, json.Unmarshal([]byte(notice.Resource.Plaintext), transaction))
		told["transaction"] = transaction
	} else {
		told[notice.Resource.OriginalType] = resource
	}
	s.notices <- told
	if s.refusing {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *shop) do(ctx context.Context, step step) (any, error) {
	api := jsapi.JsapiApiService{Client: s.client}
	switch step.Step {
	case "certificates":
		s.mgr.DownloadCertificates(ctx)
		return s.mgr.ExportCertificateMap(ctx, mchid), nil
	case "order":
		params, _, err := api.PrepayWithRequestPayment(ctx, jsapi.PrepayRequest{
			Appid:       core.String(appid),
			Mchid:       core.String(mchid),
			Description: core.String("拿铁"),
			OutTradeNo:  core.String(step.OutTradeNo),
			Attach:      core.String("桌 7"),
			NotifyUrl:   core.String(s.url),
			Amount:      &jsapi.Amount{Total: core.Int64(step.Total)},
			Payer:       &jsapi.Payer{Openid: core.String(step.Openid)},
		})
		return params, err
	case "native":
		code, _, err := (&native.NativeApiService{Client: s.client}).Prepay(ctx, native.PrepayRequest{
			Appid:       core.String(appid),
			Mchid:       core.String(mchid),
			Description: core.String("拿铁"),
			OutTradeNo:  core.String(step.OutTradeNo),
			NotifyUrl:   core.String(s.url),
			Amount:      &native.Amount{Total: core.Int64(step.Total)},
		})
		return code, err
	case "partner_native":
		code, _, err := (&partner.NativeApiService{Client: s.client}).Prepay(ctx, partner.PrepayRequest{
			SpAppid:     core.String(appid),
			SpMchid:     core.String(mchid),
			SubMchid:    core.String(sub),
			Description: core.String("拿铁"),
			OutTradeNo:  core.String(step.OutTradeNo),
			NotifyUrl:   core.String(s.url),
			Amount:      &partner.Amount{Total: core.Int64(step.Total)},
		})
		return code, err
	case "partner_query":
		order, _, err := (&partner.NativeApiService{Client: s.client}).QueryOrderByOutTradeNo(ctx, partner.QueryOrderByOutTradeNoRequest{
			OutTradeNo: core.String(step.OutTradeNo), SpMchid: core.String(mchid), SubMchid: core.String(sub),
		})
		return order, err
	case "partner_close":
		result, err := (&partner.NativeApiService{Client: s.client}).CloseOrder(ctx, partner.CloseOrderRequest{
			OutTradeNo: core.String(step.OutTradeNo), SpMchid: core.String(mchid), SubMchid: core.String(sub),
		})
		if err != nil {
			return nil, err
		}
		return result.Response.StatusCode, nil
	case "query":
		order, _, err := api.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{
			OutTradeNo: core.String(step.OutTradeNo), Mchid: core.String(mchid),
		})
		return order, err
	case "query_id":
		order, _, err := api.QueryOrderById(ctx, jsapi.QueryOrderByIdRequest{
			TransactionId: core.String(step.TransactionID), Mchid: core.String(mchid),
		})
		return order, err
	case "close":
		result, err := api.CloseOrder(ctx, jsapi.CloseOrderRequest{
			OutTradeNo: core.String(step.OutTradeNo), Mchid: core.String(mchid),
		})
		if err != nil {
			return nil, err
		}
		return result.Response.StatusCode, nil
	case "refund":
		request := refunddomestic.CreateRequest{
			OutTradeNo:  core.String(step.OutTradeNo),
			OutRefundNo: core.String(step.OutRefundNo),
			Reason:      core.String("少了一杯"),
			NotifyUrl:   core.String(s.url),
			Amount: &refunddomestic.AmountReq{
				Refund: core.Int64(step.Refund), Total: core.Int64(step.Total), Currency: core.String("CNY"),
			},
		}
		if step.FundsAccount != "" {
			request.FundsAccount = refunddomestic.ReqFundsAccount(step.FundsAccount).Ptr()
		}
		refund, _, err := (&refunddomestic.RefundsApiService{Client: s.client}).Create(ctx, request)
		return refund, err
	case "query_refund":
		refund, _, err := (&refunddomestic.RefundsApiService{Client: s.client}).QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{
			OutRefundNo: core.String(step.OutRefundNo),
		})
		return refund, err
	case "bill":
		return s.bill(ctx, step.Path)
	case "as":
		_, _, _, err := open(ctx, step.Serial)
		return nil, err
	case "refuse":
		s.refusing = true
		return nil, nil
	case "take":
		s.refusing = false
		return nil, nil
	case "notice":
		return <-s.notices, nil
	}
	return nil, fmt.Errorf("no step %q", step.Step)
}

// bill asks for a bill and fetches it; files are not signed, so whoever fetches them does not look for a signature.
func (s *shop) bill(ctx context.Context, path string) (any, error) {
	result, err := s.client.Get(ctx, "https://api.mch.weixin.qq.com"+path)
	if err != nil {
		return nil, err
	}
	var asked struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}
	if err := core.UnMarshalResponse(result.Response, &asked); err != nil {
		return nil, err
	}
	private := must(utils.LoadPrivateKey(os.Getenv("PAY_KEY")))
	bare, err := core.NewClient(ctx, option.WithMerchantCredential(mchid, os.Getenv("PAY_SERIAL"), private), option.WithoutValidator(), through())
	if err != nil {
		return nil, err
	}
	file, err := bare.Get(ctx, asked.DownloadURL)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(file.Response.Body)
	if err != nil {
		return nil, err
	}
	hash := fmt.Sprintf("%x", sha1.Sum(text))
	return map[string]any{"text": string(text), "whole": hash == asked.HashValue}, nil
}

func main() {
	ctx := context.Background()
	client, mgr, verifier, err := open(ctx, os.Getenv("PAY_SERIAL"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	port := listener.Addr().(*net.TCPAddr).Port
	s := &shop{
		client:  client,
		mgr:     mgr,
		notices: make(chan map[string]any, 100),
		handler: must(notify.NewRSANotifyHandler(key, verifier)),
		url:     fmt.Sprintf("http://127.0.0.1:%d/notify", port),
	}
	go http.Serve(listener, s)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	out.Encode(map[string]int{"listening": port})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var step step
		must(0, json.Unmarshal(lines.Bytes(), &step))
		value, err := s.do(ctx, step)
		var refused *core.APIError
		switch {
		case errors.As(err, &refused):
			out.Encode(map[string]any{"ok": false, "status": refused.StatusCode, "code": refused.Code, "error": refused.Message, "detail": refused.Detail})
		case err != nil:
			out.Encode(map[string]any{"ok": false, "error": err.Error()})
		default:
			out.Encode(map[string]any{"ok": true, "value": value})
		}
	}
}
