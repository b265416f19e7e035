//! Events as they really arrive, through the generated types.

use xinqiao_wire::{Keep, Record, markup};
use xinqiao_work::events::event::{ChangeContact, PicPhotoOrAlbum, SysApprovalChange};

fn read<R: Record + Default>(inner: &str) -> R {
    let mut record = R::default();
    let xml = format!("<xml>{inner}</xml>");
    markup::decode(&mut record, xml.as_bytes(), Keep::Typed).expect("is read");
    record
}

#[test]
fn a_group_that_repeats_is_one_list() {
    let list = |sum: &str| format!("<PicList><item><PicMd5Sum>{sum}</PicMd5Sum></item></PicList>");
    for (lists, want) in [
        (list("a") + &list("b"), 2),
        (list("a"), 1),
        ("<PicList>\n</PicList>".to_owned(), 0),
    ] {
        let event: PicPhotoOrAlbum = read(&format!(
            "<SendPicsInfo>{lists}<Count>2</Count></SendPicsInfo>"
        ));
        assert_eq!(event.send_pics_info.pic_list.item.len(), want);
    }
}

#[test]
fn an_approval_has_lists_of_none_one_and_many() {
    let details = "<Details><Speech></Speech></Details>";
    for count in 0..3 {
        let record = format!("<SpRecord>{}</SpRecord>", details.repeat(count));
        let event: SysApprovalChange = read(&format!(
            "<ApprovalInfo>{}<Comments></Comments></ApprovalInfo>",
            record.repeat(count)
        ));
        let info = event.approval_info;
        let found: Vec<_> = info
            .sp_record
            .iter()
            .map(|record| record.details.len())
            .collect();
        assert_eq!(found, vec![count; count]);
        assert!(info.comments.is_empty());
    }
}

#[test]
fn a_member_change_has_pairwise_lists() {
    let event: ChangeContact = read(
        "<ChangeType>update_user</ChangeType><Department><![CDATA[6,1]]></Department>\
         <IsLeaderInDept><![CDATA[0,0]]></IsLeaderInDept>",
    );
    assert_eq!(event.department.as_deref(), Some(&[6, 1][..]));
    assert_eq!(event.is_leader_in_dept.map(|leads| leads.len()), Some(2));
    assert_eq!((event.name, event.agent_id), (None, None));
}
