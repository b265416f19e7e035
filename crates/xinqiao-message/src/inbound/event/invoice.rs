//! Electronic invoices.

use crate::inbound::field::record;

record! {
    /// An invoice was issued, or was not (event `cloud_invoice_invoiceresult_event`).
    pub struct CloudInvoiceResult {
        status: i64 = "status",
        fpqqlsh: String = "fpqqlsh",
        nsrsbh: String = "nsrsbh",
    }
}

record! {
    /// A user submitted an invoice title (event `submit_invoice_title`).
    pub struct SubmitInvoiceTitle {
        title_type: String = "title_type",
        title: String = "title",
        tax_no: Option<String> = "tax_no",
        phone: Option<String> = "phone",
        addr: Option<String> = "addr",
        bank_type: Option<String> = "bank_type",
        bank_no: Option<String> = "bank_no",
        attach: Option<String> = "attach",
    }
}

record! {
    /// An invoice changed its state (event `update_invoice_status`).
    pub struct UpdateInvoiceStatus {
        card_id: String = "CardId",
        code: String = "Code",
        status: Option<String> = "Status",
    }
}

record! {
    /// A user authorized an invoice (event `user_authorize_invoice`).
    pub struct UserAuthorizeInvoice {
        succ_order_id: Option<String> = "SuccOrderId",
        fail_order_id: Option<String> = "FailOrderId",
        source: String = "Source",
    }
}
