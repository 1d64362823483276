//! Refusals that name who is at fault, carried in the details of a gRPC status.

use bytes::Bytes;
use prost::Message as _;
use tonic::{Code, Status};

use crate::operator::{ErrorDetail, Fault};

/// Longest refusal that is put into a status, in bytes.
///
/// The reason for the value: statuses travel in HTTP/2 headers, whose usual bound is 16 KiB in all.
const MAX_DETAIL_BYTES: usize = 4096;

/// Makes a status that carries `detail`; its gRPC code follows from who is at fault.
///
/// A detail of more than 4,096 bytes is left out, and its message is all that travels.
pub fn refuse(detail: &ErrorDetail) -> Status {
    let code = match detail.fault() {
        Fault::Caller => Code::InvalidArgument,
        Fault::Network => Code::FailedPrecondition,
        Fault::ThisNode | Fault::Peer => Code::Unavailable,
        Fault::Unspecified => Code::Internal,
    };
    let encoded = detail.encode_to_vec();
    if encoded.len() > MAX_DETAIL_BYTES {
        return Status::new(code, detail.code.clone());
    }
    Status::with_details(code, detail.message.clone(), Bytes::from(encoded))
}

/// Reads the detail of a refusal; `None` where the status carries none, as when the connection broke.
pub fn error_detail(status: &Status) -> Option<ErrorDetail> {
    if status.details().is_empty() {
        return None;
    }
    ErrorDetail::decode(status.details()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(message: String) -> ErrorDetail {
        ErrorDetail {
            fault: Fault::Network.into(),
            code: "quota-exhausted".to_owned(),
            message,
            remedy: "Wait for earnings or ask for a grant.".to_owned(),
            reject: 31,
            member_id: None,
        }
    }

    #[test]
    fn a_refusal_survives_the_status_it_travels_in() {
        let sent = detail("The session needs 2.000 quota, 1.500 are available.".to_owned());
        let status = refuse(&sent);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(error_detail(&status), Some(sent));
    }

    #[test]
    fn an_overlong_refusal_travels_as_its_code_alone() {
        let status = refuse(&detail("x".repeat(MAX_DETAIL_BYTES)));
        assert_eq!(status.message(), "quota-exhausted");
        assert_eq!(error_detail(&status), None);
    }

    #[test]
    fn a_status_from_elsewhere_has_no_detail() {
        assert_eq!(error_detail(&Status::unavailable("connection reset")), None);
    }
}
