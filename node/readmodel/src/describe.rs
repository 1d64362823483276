//! Actions and events in words and JSON.

use serde_json::Value;
use tacit_ledger::kernel::{Envelope, Event, ModuleId};
use tacit_ledger::network::{Action, Event as NetworkEvent};

/// An event as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventText {
    /// What happened, such as `calls-logged`. Of a module that this build does not know:
    /// `module-7/unknown`.
    pub kind: String,
    /// Its fields as a JSON object. Of a module that this build does not know: its bytes in hexadecimal as
    /// `body`.
    pub json: String,
}

/// An event of any module. `None` for one that names a module of this build and does not decode.
pub fn describe_event(event: &Event) -> Option<EventText> {
    match NetworkEvent::read(event) {
        Some(read) => network_event(&read.ok()?),
        None => Some(EventText {
            kind: format!("{}/unknown", module(event.module)),
            json: serde_json::json!({ "body": hex::encode(&*event.body) }).to_string(),
        }),
    }
}

pub(crate) fn network_event(event: &NetworkEvent) -> Option<EventText> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else {
        return None;
    };
    let Some(Value::String(kind)) = fields.remove("kind") else {
        return None;
    };
    Some(EventText {
        kind,
        json: Value::Object(fields).to_string(),
    })
}

/// Module and action, such as `network/call-batch`. Of a module that this build does not know:
/// `module-7/unknown`.
pub fn action_name(envelope: &Envelope) -> String {
    name(
        envelope,
        Action::of(envelope)
            .as_ref()
            .and_then(|action| action.as_ref().ok()),
    )
}

pub(crate) fn name(envelope: &Envelope, action: Option<&Action>) -> String {
    let action = action.map_or("unknown", Action::name);
    format!("{}/{action}", module(envelope.module))
}

fn module(id: ModuleId) -> String {
    match id {
        ModuleId::NETWORK => "network".into(),
        other => format!("module-{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_ledger::kernel::{BusinessDate, Bytes, MemberId};
    use tacit_ledger::network::{AlarmReason, Root, SessionId};

    #[test]
    fn an_event_reads_as_its_name_and_its_fields() {
        let event = NetworkEvent::LogAdvanced {
            root: Root([0xab; 32]),
            length: 7,
        };
        let text = network_event(&event).unwrap();
        assert_eq!(text.kind, "log-advanced");
        assert_eq!(
            text.json,
            format!(r#"{{"length":7,"root":"{}"}}"#, "ab".repeat(32))
        );
    }

    #[test]
    fn an_event_without_fields_reads_as_an_empty_object() {
        let text = network_event(&NetworkEvent::ParametersChanged).unwrap();
        assert_eq!(
            (text.kind.as_str(), text.json.as_str()),
            ("parameters-changed", "{}")
        );
    }

    #[test]
    fn numbers_dates_and_reasons_read_as_people_write_them() {
        let reason = AlarmReason::AttestationRefuted {
            attester: MemberId(3),
        };
        let json = serde_json::to_string(&(SessionId(9), BusinessDate(20_781), reason)).unwrap();
        assert_eq!(
            json,
            r#"[9,"2026-11-24",{"attestation-refuted":{"attester":3}}]"#
        );
    }

    #[test]
    fn an_event_of_an_unknown_module_shows_its_bytes() {
        let body = Bytes::try_from(vec![1, 0xfe]).unwrap();
        let text = describe_event(&Event {
            module: ModuleId(7),
            body,
        })
        .unwrap();
        assert_eq!(text.kind, "module-7/unknown");
        assert_eq!(text.json, r#"{"body":"01fe"}"#);
    }

    #[test]
    fn an_event_of_the_network_that_does_not_decode_is_not_shown() {
        let body = Bytes::try_from(vec![0xff]).unwrap();
        assert_eq!(
            describe_event(&Event {
                module: ModuleId::NETWORK,
                body
            }),
            None
        );
    }
}
