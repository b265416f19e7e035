//! Stores, places, beacons, Wi-Fi.

use crate::inbound::field::record;

record! {
    /// The review of a nearby place is done (event `add_nearby_poi_audit_info`).
    pub struct AddNearbyPoiAuditInfo {
        audit_id: String = "audit_id",
        status: i64 = "status",
        reason: Option<String> = "reason",
        poi_id: Option<String> = "poi_id",
    }
}

record! {
    /// An order of the old shop was paid (event `merchant_order`).
    pub struct MerchantOrder {
        order_id: String = "OrderId",
        order_status: i64 = "OrderStatus",
        product_id: String = "ProductId",
        sku_info: String = "SkuInfo",
    }
}

record! {
    /// The review of a place on the map is done (event `create_map_poi_audit_info`).
    pub struct CreateMapPoiAuditInfo {
        audit_id: i64 = "audit_id",
        status: i64 = "status",
        map_poi_id: String = "map_poi_id",
        name: String = "name",
        address: String = "address",
        longitude: f64 = "longitude",
        latitude: f64 = "latitude",
        sh_remark: String = "sh_remark",
    }
}

record! {
    /// The group `ChosenBeacon`.
    pub struct ChosenBeacon {
        uuid: String = "Uuid",
        major: i64 = "Major",
        minor: i64 = "Minor",
        distance: f64 = "Distance",
    }
}

record! {
    /// The group `AroundBeacon`.
    pub struct AroundBeacon {
        uuid: String = "Uuid",
        major: i64 = "Major",
        minor: i64 = "Minor",
        distance: f64 = "Distance",
    }
}

record! {
    /// The group `AroundBeacons`.
    pub struct AroundBeacons {
        around_beacon: Vec<AroundBeacon> = "AroundBeacon",
    }
}

record! {
    /// A user shook near a beacon (retired) (event `ShakearoundUserShake`).
    pub struct ShakearoundUserShake {
        chosen_beacon: ChosenBeacon = "ChosenBeacon",
        around_beacons: Option<AroundBeacons> = "AroundBeacons",
    }
}

record! {
    /// A user connected to Wi-Fi (retired) (event `WifiConnected`).
    pub struct WifiConnected {
        connect_time: i64 = "ConnectTime",
        expire_time: i64 = "ExpireTime",
        vendor_id: String = "VendorId",
        place_id: String = "PlaceId",
        device_no: String = "DeviceNo",
    }
}

record! {
    /// The review of a store is done (event `poi_check_notify`).
    pub struct PoiCheckNotify {
        uniq_id: String = "UniqId",
        poi_id: String = "PoiId",
        result: String = "Result",
        msg: String = "Msg",
    }
}

record! {
    /// The review of a store mini program is done (event `apply_merchant_audit_info`).
    pub struct ApplyMerchantAuditInfo {
        audit_id: i64 = "audit_id",
        status: i64 = "status",
        reason: String = "reason",
    }
}

record! {
    /// The review of a new store is done (event `add_store_audit_info`).
    pub struct AddStoreAuditInfo {
        audit_id: i64 = "audit_id",
        status: i64 = "status",
        reason: String = "reason",
        is_upgrade: i64 = "is_upgrade",
        poiid: String = "poiid",
    }
}

record! {
    /// The review of a changed store is done (event `modify_store_audit_info`).
    pub struct ModifyStoreAuditInfo {
        audit_id: i64 = "audit_id",
        status: i64 = "status",
        reason: String = "reason",
    }
}
