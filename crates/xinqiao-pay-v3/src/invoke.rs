//! What a client needs to open the cashier (调起支付), from the order that was placed: see
//! [`xinqiao_client::invoke`].
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_pay_v3 as pay_v3; }
//! # async fn f(
//! #     client: xinqiao_client::Client, order: xinqiao_pay_v3::pay::partner::transactions::CreateJsapi,
//! # ) -> Result<String, xinqiao_client::Error> {
//! use xinqiao::pay_v3::invoke;
//!
//! let answer = client.send(order.clone()).await?;
//! // The order knows whether it is paid in the provider's page or in the sub-merchant's.
//! let page = invoke::jsapi(&client, &order, &answer).await?;
//! # Ok(
//! page.to_json().to_string()
//! # ) }
//! ```

pub use xinqiao_client::invoke::{
    App, AppOrder, H5Order, Jsapi, PageOrder, QrOrder, app, h5, jsapi, mini_program, qr,
    stored_app, stored_h5, stored_jsapi, stored_qr,
};

#[cfg(feature = "combine-transactions")]
mod combined {
    use xinqiao_client::invoke::{AppOrder, H5Order, PageOrder, QrOrder, payer_appid, text};

    use crate::combine_transactions as all;

    // A combined order is paid where it was placed: its `sub_openid` counts for the sub-orders' merchants only where
    // they name an account.
    macro_rules! page {
        ($($order:ident)*) => { $(
            impl PageOrder for all::$order {
                fn appid(&self) -> &str {
                    let payer = self.combine_payer_info.as_ref();
                    let openid = payer.and_then(|payer| payer.openid.as_ref());
                    let sub_openid = payer.and_then(|payer| payer.sub_openid.as_ref());
                    let mut subs = self.sub_orders.iter();
                    let sub_appid = subs.find_map(|order| text(order.sub_appid.as_ref()));
                    payer_appid(
                        self.combine_appid.as_str(),
                        sub_appid.filter(|_| sub_openid.is_some()),
                        text(openid),
                        text(sub_openid),
                    )
                }

                fn prepay_id(answer: &Self::Response) -> &str {
                    answer.prepay_id.as_str()
                }
            }
        )* };
    }
    page! { CreateJsapi CreateMiniProgram }

    impl AppOrder for all::CreateApp {
        fn appid(&self) -> &str {
            self.combine_appid.as_str()
        }

        fn partnerid(&self) -> &str {
            self.combine_mchid.as_str()
        }

        fn prepay_id(answer: &Self::Response) -> &str {
            answer.prepay_id.as_str()
        }
    }

    impl H5Order for all::CreateH5 {
        fn h5_url(answer: &Self::Response) -> &str {
            answer.h5_url.as_str()
        }
    }

    impl QrOrder for all::CreateNative {
        fn code_url(answer: &Self::Response) -> &str {
            answer.code_url.as_str()
        }
    }
}

#[cfg(feature = "pay")]
mod single {
    use xinqiao_client::invoke::{AppOrder, H5Order, PageOrder, QrOrder, first, payer_appid, text};

    use crate::pay::{partner::transactions as partner, transactions as direct};

    macro_rules! page {
        ($($order:ident)*) => { $(
            impl PageOrder for direct::$order {
                fn appid(&self) -> &str {
                    self.appid.as_str()
                }

                fn prepay_id(answer: &Self::Response) -> &str {
                    answer.prepay_id.as_str()
                }
            }
        )* };
    }
    page! { CreateJsapi CreateJsapiWithContract }

    macro_rules! partner_page {
        ($($order:ident)*) => { $(
            impl PageOrder for partner::$order {
                fn appid(&self) -> &str {
                    payer_appid(
                        self.sp_appid.as_str(),
                        text(self.sub_appid.as_ref()),
                        text(self.payer.sp_openid.as_ref()),
                        text(self.payer.sub_openid.as_ref()),
                    )
                }

                fn prepay_id(answer: &Self::Response) -> &str {
                    answer.prepay_id.as_str()
                }
            }
        )* };
    }
    partner_page! { CreateJsapi CreateJsapiWithContract CreateMiniProgram }

    macro_rules! app {
        ($($order:ident)*) => { $(
            impl AppOrder for direct::$order {
                fn appid(&self) -> &str {
                    self.appid.as_str()
                }

                fn partnerid(&self) -> &str {
                    self.mchid.as_str()
                }

                fn prepay_id(answer: &Self::Response) -> &str {
                    answer.prepay_id.as_str()
                }
            }

            impl AppOrder for partner::$order {
                fn appid(&self) -> &str {
                    let sub_appid = text(self.sub_appid.as_ref());
                    first(&[sub_appid, Some(self.sp_appid.as_str())])
                }

                fn partnerid(&self) -> &str {
                    self.sub_mchid.as_str()
                }

                fn prepay_id(answer: &Self::Response) -> &str {
                    answer.prepay_id.as_str()
                }
            }
        )* };
    }
    app! { CreateApp CreateAppWithContract }

    macro_rules! h5_and_qr {
        ($($module:ident)*) => { $(
            impl H5Order for $module::CreateH5 {
                fn h5_url(answer: &Self::Response) -> &str {
                    answer.h5_url.as_str()
                }
            }

            impl QrOrder for $module::CreateNative {
                fn code_url(answer: &Self::Response) -> &str {
                    answer.code_url.as_str()
                }
            }
        )* };
    }
    h5_and_qr! { direct partner }
}
