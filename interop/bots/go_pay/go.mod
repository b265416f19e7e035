module xinqiao.local/interop-pay

go 1.24

require github.com/wechatpay-apiv3/wechatpay-go v0.2.21
