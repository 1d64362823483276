//! A connection to the institution's own node, over mutual TLS.

use tacit_certs::{
    ChannelLimits, IdentityFiles, MemberAddress, ReloadingIdentity, operator_channel,
    read_authorities,
};
use tacit_proto::MAX_OPERATOR_MESSAGE_BYTES;
use tacit_proto::operator::operator_client::OperatorClient;
use tonic::transport::Channel;

use crate::error::ClientError;
use crate::profile::Profile;

/// The node's service for its operators.
pub type Node = OperatorClient<Channel>;

/// Connects to the node of a profile.
///
/// # Errors
/// [`ClientError`], where the certificates are not usable or the node cannot be reached.
pub async fn connect(profile: &Profile) -> Result<Node, ClientError> {
    let unreachable = |reason: String| ClientError::Unreachable {
        address: profile.operator_address.clone(),
        reason,
    };
    let address = MemberAddress::parse(&profile.operator_address).ok_or_else(|| {
        ClientError::Usage(format!("{} is not host:port", profile.operator_address))
    })?;
    let identity = ReloadingIdentity::open(IdentityFiles {
        certificate: profile.certificate_file.clone(),
        key: profile.key_file.clone(),
    })?;
    let authorities = read_authorities(&profile.ca_file)?;
    let limits = ChannelLimits::default();
    let channel = operator_channel(&address, identity, authorities, &limits)
        .await?
        .map_err(|error| unreachable(root_cause(&error)))?;
    Ok(OperatorClient::new(channel)
        .max_decoding_message_size(MAX_OPERATOR_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_OPERATOR_MESSAGE_BYTES))
}

/// What lies at the bottom of an error: the layers above it say only that a transport failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}
