//! Whose orders a call is about: those that a merchant placed itself, or those that a provider placed for it.
//!
//! WECHAT: whoever did not place an order hears that there is none; that may be another provider of its merchant, or the
//! merchant itself.
//!
//! Source: doc pages "服务商模式介绍", "商户订单号查询订单" for service providers.

use super::{
    order::{self, Objection, Order, State},
    seller::sub_merchants,
};
use crate::{
    accounts::merchant::Merchant,
    kernel::{Id, World},
};

/// A merchant, and the provider that calls for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) payee: Id,
    pub(super) provider: Option<Id>,
}

impl Whose {
    /// A merchant's own.
    pub(super) fn own(merchant: &Merchant) -> Self {
        Self {
            payee: merchant.mchid.clone(),
            provider: None,
        }
    }

    /// What a provider placed for its sub-merchant.
    pub(super) fn through(provider: &Merchant, sub: &Merchant) -> Self {
        Self {
            payee: sub.mchid.clone(),
            provider: Some(provider.mchid.clone()),
        }
    }

    /// Whose a paid order is, of all that a merchant placed for itself and for others.
    pub(super) fn of_transaction(
        world: &World,
        caller: &Merchant,
        transaction_id: &str,
    ) -> Option<Self> {
        let subs = sub_merchants(world, &caller.mchid).map(|(_, sub)| Self::through(caller, sub));
        { [Self::own(caller)].into_iter().chain(subs) }
            .find(|whose| whose.by_transaction(world, transaction_id).is_some())
    }

    /// Whether an order of this merchant is one of them.
    fn has(&self, order: &Order) -> bool {
        order.provider() == self.provider.as_ref()
    }

    pub(super) fn find<'w>(&self, world: &'w World, out_trade_no: &str) -> Option<&'w Order> {
        order::find(world, &self.payee, out_trade_no).filter(|order| self.has(order))
    }

    /// An order by the platform's number, with the merchant's.
    pub(super) fn by_transaction<'w>(
        &self,
        world: &'w World,
        transaction_id: &str,
    ) -> Option<(&'w Id, &'w Order)> {
        let found = order::by_transaction(world, &self.payee, transaction_id);
        found.filter(|(_, order)| self.has(order))
    }

    /// An order by either number, with the merchant's; the platform's wins where both are given.
    pub(super) fn by_either<'w>(
        &self,
        world: &'w World,
        transaction_id: Option<&str>,
        out_trade_no: Option<&str>,
    ) -> Option<(&'w Id, &'w Order)> {
        let found = order::by_either(world, &self.payee, transaction_id, out_trade_no);
        found.filter(|(_, order)| self.has(order))
    }

    /// Closes an order that is not paid. One that is closed, or was taken back, stays so.
    pub(super) fn close(&self, world: &mut World, out_trade_no: &str) -> Result<(), Objection> {
        let order = self.find(world, out_trade_no).ok_or(Objection::Missing)?;
        if order.closable()? {
            order::becomes(world, &self.payee, &out_trade_no.into(), State::Closed);
        }
        Ok(())
    }
}
