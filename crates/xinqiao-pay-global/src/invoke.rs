//! What a client needs to open the cashier (调起支付), from the order that was placed: see
//! [`xinqiao_client::invoke`]. An institution's order is paid as a service provider's.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_global as pay_global; }
//! # async fn f(
//! #     client: xinqiao_client::Client, order: xinqiao_pay_global::transactions::CreateApp,
//! # ) -> Result<String, xinqiao_client::Error> {
//! use xinqiao::pay_global::invoke;
//!
//! let answer = client.send(order.clone()).await?;
//! let app = invoke::app(&client, &order, &answer).await?;
//! # Ok(
//! app.to_json().to_string()
//! # ) }
//! ```

pub use xinqiao_client::invoke::{
    App, AppOrder, H5Order, Jsapi, PageOrder, QrOrder, app, h5, jsapi, mini_program, qr,
    stored_app, stored_h5, stored_jsapi, stored_qr,
};
use xinqiao_client::invoke::{first, payer_appid, text};

use crate::transactions::{CreateApp, CreateJsapi, CreateMweb, CreateNative};

impl PageOrder for CreateJsapi {
    fn appid(&self) -> &str {
        let payer = &self.payer;
        payer_appid(
            first(&[text(self.sp_appid.as_ref()), text(self.appid.as_ref())]),
            text(self.sub_appid.as_ref()),
            text(payer.sp_openid.as_ref()),
            text(payer.sub_openid.as_ref()),
        )
    }

    fn prepay_id(answer: &Self::Response) -> &str {
        answer.prepay_id.as_str()
    }
}

impl AppOrder for CreateApp {
    fn appid(&self) -> &str {
        first(&[
            text(self.sub_appid.as_ref()),
            text(self.sp_appid.as_ref()),
            text(self.appid.as_ref()),
        ])
    }

    fn partnerid(&self) -> &str {
        first(&[
            text(self.sub_mchid.as_ref()),
            text(self.mchid.as_ref()),
            text(self.sp_mchid.as_ref()),
        ])
    }

    fn prepay_id(answer: &Self::Response) -> &str {
        answer.prepay_id.as_str()
    }
}

impl H5Order for CreateMweb {
    fn h5_url(answer: &Self::Response) -> &str {
        answer.mweb_url.as_str()
    }
}

impl QrOrder for CreateNative {
    fn code_url(answer: &Self::Response) -> &str {
        answer.code_url.as_str()
    }
}
