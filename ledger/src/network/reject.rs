//! Refusals of the risk network. See [`crate::kernel::reject`] for the order of precedence.

use crate::kernel::reject::rejects;

rejects! {
    /// Refusals of the risk network, in the order of their numbers. 100 to 149 need no state.
    NETWORK_REJECTS:
    100 EMPTY lasting "The action holds nothing to do.";
    101 DUPLICATE lasting "Items of the action that must ascend, each once, do not.";
    102 REQUEST_WRONG_CHAIN lasting "The querier's request was signed for another chain.";
    103 REQUEST_SIGNATURE_INVALID lasting "The querier's signature on the request does not verify.";
    104 COUNT_MISMATCH lasting "The batch holds another number of evaluations than the request has points.";
    105 AMOUNT_TOO_LARGE lasting "Calls times price exceed what one batch may charge.";
    107 POINT_INVALID lasting "A point is not on the curve, not canonical, or the identity.";
    108 EVALUATION_PROOF_INVALID lasting "The proof does not show that the key of the request evaluated these points.";
    109 KEY_PROOF_INVALID lasting "The proof of knowledge does not hold for this key, member, list and epoch.";
    110 FRAUD_PROOF_INVALID lasting "The leaves do not contradict each other, or do not lead to the named root.";
    111 VALUE_OUT_OF_RANGE lasting "A value lies outside the range that its documentation gives.";
    112 RECEIPT_ENCODING_INVALID lasting "A receipt's proof is not three canonical points of its groups.";
    113 RECEIPT_KEY_INVALID lasting "The bytes are not a verifying key of the receipt circuit.";

    114 TRANSFER_ENCODING_INVALID lasting "An amount or a proof about quota is not of the right length, or not canonical.";
    115 QUOTA_KEY_PROOF_INVALID lasting "The proof does not show possession of this quota key by this institution.";

    150 NOT_A_MEMBER lasting "Observers may not do this.";
    151 MEMBER_UNKNOWN lasting "No such member.";
    152 MEMBER_LEFT lasting "That member has left the network.";
    153 KEY_IN_USE lasting "The key or certificate belongs to another member, or did once.";
    154 TOO_MANY_MEMBERS lasting "The network has as many members as it can hold.";
    155 TOO_FEW_VALIDATORS lasting "The change would leave fewer validators than the governed minimum.";
    156 ALREADY_VALIDATOR lasting "That member validates already.";
    157 NOT_A_VALIDATOR lasting "That member does not validate.";
    158 TOO_MANY_VALIDATORS lasting "The network has as many validators as a certificate of finality can hold.";

    160 PROPOSAL_UNKNOWN lasting "No such proposal.";
    161 PROPOSAL_CLOSED lasting "The proposal is decided or has expired.";
    162 ALREADY_VOTED lasting "This member has voted on the proposal.";
    163 TOO_MANY_PROPOSALS transient "As many proposals of this member are open as one may have; wait for one to close.";
    164 PARAMETERS_CHANGED_SINCE lasting "The parameters changed after this was proposed; propose the change anew, on the present ones.";

    165 MEMBER_PAUSED transient "The members have stopped this member; it goes on when they vote so.";

    170 CATEGORY_UNKNOWN lasting "No such category.";
    171 CATEGORY_EXISTS lasting "A category with this number exists.";
    172 TOO_MANY_CATEGORIES lasting "The network has as many categories as it can hold.";

    180 SESSION_UNKNOWN lasting "The session was never opened, or is closed.";
    181 NOT_A_PARTY lasting "Only querier and provider of the session may do this.";
    182 QUERIER_KEY_MISMATCH lasting "The request is signed with a key that is not the querier's registered one.";
    183 SCOPE_MISMATCH lasting "Querier, provider, list or tag epoch of the request are not those of the session.";
    184 PRICE_MISMATCH lasting "The price of the request is not that of the session.";

    190 LIST_UNKNOWN lasting "No such list.";
    191 NOT_THE_OWNER lasting "Only the list's owner may do this.";
    192 LIST_WITHDRAWN lasting "The list is withdrawn.";
    193 TOO_MANY_LISTS lasting "The member has as many lists as it may have.";
    194 CATEGORY_RETIRED lasting "The category is retired.";

    195 LIST_PAUSED transient "The members have stopped this list or its owner; it goes on when they vote so.";

    200 EPOCH_UNKNOWN lasting "The list has no such tag epoch.";
    201 EPOCH_OUT_OF_ORDER lasting "Tag epochs follow each other by one, and the last one must have become active or been revoked first.";
    202 KEY_SEEN_BEFORE lasting "This key, or its negative, was registered before; draw a fresh one.";
    203 KEY_MISMATCH lasting "The key of the request is not the one registered for the list and tag epoch.";
    204 EPOCH_REVOKED lasting "The key of this tag epoch was revoked.";
    205 EPOCH_SUPERSEDED lasting "Another tag epoch has taken this one's place, or the list was withdrawn.";
    206 EPOCH_NOT_ACTIVE transient "The tag epoch has no active publication.";

    210 PUBLICATION_UNKNOWN lasting "No such publication.";
    211 VERSION_OUT_OF_ORDER lasting "Versions of a tag epoch follow each other by one.";
    212 ROOT_MISMATCH lasting "The root is not the one registered for the publication.";
    213 PUBLICATION_FRAUDULENT lasting "The publication was proven fraudulent.";
    214 PUBLICATION_SUPERSEDED lasting "A newer publication is active.";
    215 OWN_GROUP lasting "Members of the owner's group may not do this.";
    216 ALREADY_ATTESTED lasting "This member has attested the publication.";
    217 ALARM_ALREADY_RAISED lasting "This member has raised an alarm about the publication.";
    218 NOT_ATTESTED lasting "The member whom the alarm names has not attested the publication.";
    219 PUBLICATION_UNPROVEN lasting "The owner did not prove the entries that were drawn of the publication in time.";

    220 OWN_LIST lasting "A member may not do this to its own list.";
    221 DEADLINE_OUT_OF_RANGE lasting "The deadline lies in the past or too far ahead.";
    222 TOO_MANY_SESSIONS lasting "As many sessions with this list are open as a member may have; close one.";

    230 SESSION_ENDED lasting "The session's deadline has passed, and with it, for a batch, the window to settle.";
    231 SEQUENCE_SETTLED lasting "This sequence number of the session is settled.";
    232 SEQUENCE_TOO_OLD lasting "The sequence number lies too far behind the highest settled one.";
    233 SESSION_CAP_REACHED lasting "The session's cap of calls is reached.";
    235 DAILY_CAP_REACHED transient "The calls of the querier's group to this list have reached the cap of the business date.";
    236 LOG_FULL lasting "The network's log is full.";

    240 RECEIPT_KEY_UNSET lasting "The members have voted no key under which receipts are verified.";
    241 RECEIPT_KEY_MISMATCH lasting "The receipts are made under another verifying key than the voted one.";
    242 POLICY_UNKNOWN lasting "No such policy.";
    243 POLICY_VERSION_UNKNOWN lasting "The policy has no such version.";
    244 TYPE_NOT_IN_POLICY lasting "The policy does not take identifiers of this type.";
    245 RECEIPTS_EXPIRED lasting "The height at which the receipts expire is reached.";
    246 RECEIPTS_EXPIRE_TOO_LATE lasting "The receipts expire further ahead than receipts may.";
    247 CONTEXT_USED lasting "Receipts for this very context were accepted and have not expired.";
    248 TOO_MANY_SCREENINGS transient "As many accepted sets of this member as one may have are unexpired; wait for one to expire.";

    250 CATEGORY_NOT_IN_POLICY lasting "The list belongs to a category that the policy does not name.";
    251 TYPE_NOT_ON_LIST lasting "The list holds no identifiers of this type.";
    252 PUBLICATION_NOT_ACTIVE lasting "The publication was never active.";
    253 PUBLICATION_TOO_OLD lasting "The publication was superseded longer ago than category and policy allow.";
    254 LOG_ROOT_UNKNOWN lasting "The log never had this root, or not within the recorded past.";
    255 TOO_FEW_MEMBERS lasting "The lists belong to fewer members than the policy demands.";
    256 RECEIPT_INVALID lasting "A proof does not show that this subject was clear on this list, asked by this member, for this context.";

    260 TOO_MANY_POLICIES lasting "The member has as many policies as it may have.";
    261 TOO_MANY_POLICY_VERSIONS lasting "The policy has as many versions as it may have.";

    270 SCREENING_UNKNOWN lasting "No such accepted set of receipts, or it has expired.";
    271 SCREENING_CONSUMED lasting "Somebody has relied on these receipts; a set is relied on once.";
    272 SCREENING_OF_OTHER_MODULE lasting "The receipts were made for another business ledger.";
    273 SCREENING_OF_OTHER_OBJECT lasting "The receipts were made for another object.";
    274 SCREENING_OF_OTHER_SUBMITTER lasting "Another member submitted the receipts.";
    275 SCREENING_FOR_OTHER_VERIFIER lasting "The receipts were made for another party to rely on.";
    276 SCREENING_OF_OTHER_SUBJECT lasting "The receipts are about another commitment or type than the object's.";
    277 SCREENING_FOR_OTHER_PURPOSE lasting "The receipts were made for another purpose.";
    278 SCREENING_OF_OTHER_POLICY lasting "The receipts satisfy another policy.";
    279 SCREENING_OF_OLD_POLICY lasting "The receipts satisfy an older version of the policy than is asked for.";

    280 BEACON_ROUND_NOT_OPEN lasting "This attempt at a round of the beacon is not open.";
    281 BEACON_NOT_A_VALIDATOR lasting "The sender did not validate when this attempt began.";
    282 BEACON_COMMITTED lasting "The sender has committed to a value in this attempt.";
    283 BEACON_NOT_COMMITTED lasting "The sender has committed to no value in this attempt.";
    284 BEACON_VALUE_WRONG lasting "The value is not the one that the sender committed to.";
    285 BEACON_REVEALED lasting "The sender has revealed its value.";
    286 BEACON_NOT_NOW transient "The beacon does not take this at this height: first all commitments, then the values.";

    290 NOT_SAMPLED lasting "No entries are drawn of this publication.";
    291 SAMPLES_PROVEN lasting "The drawn entries of this publication are proven.";
    292 SAMPLES_NOT_DRAWN transient "The beacon has not drawn the entries yet.";
    293 SAMPLES_LOGGED lasting "The calls about the drawn entries of this publication are logged.";
    294 SAMPLE_COUNT_MISMATCH lasting "There is one call or proof for each drawn entry, no more and no less.";
    295 SAMPLE_KEY_MISMATCH lasting "The calls are made with another key than the list's registered one.";
    296 SAMPLES_INVALID lasting "A proof does not show that the drawn entry comes from the list's key.";

    300 PUBLICATION_SUSPENDED lasting "No later version of the list was published in time after a dispute; only one that is published from now on counts.";
    301 SUBJECT_DISPUTED lasting "A dispute about this subject on this list is open.";
    302 TOO_MANY_DISPUTES transient "As many disputes of this member about this list are open as one may have; wait for one to close.";
    303 PANEL_TOO_SMALL lasting "Too few members belong neither to the owner's group nor to the challenger's to form a panel.";
    304 STAKE_NOT_COVERED lasting "The member's free deposit does not cover the stake.";

    310 DISPUTE_UNKNOWN lasting "No such dispute.";
    311 DISPUTE_DECIDED lasting "It is known how the dispute came out.";
    312 NOT_THE_DISPUTED_OWNER lasting "Only the owner of the disputed list may do this.";
    313 DISPUTE_ANSWERED lasting "The owner has answered the dispute.";
    314 PANEL_NOT_DRAWN transient "The beacon has not drawn the panel yet.";
    315 NOT_ON_THE_PANEL lasting "Only the members of the dispute's panel may do this.";
    316 DISPUTE_NOT_ANSWERED transient "The owner has not answered the dispute yet.";
    317 ALREADY_RULED lasting "This member has ruled on the dispute.";
    318 DISPUTE_DEADLINE_PASSED lasting "The last date for this has passed.";

    320 NOT_THE_PROVIDER lasting "Only the provider of the session may do this.";
    321 NOTHING_OWED lasting "The session owes its provider nothing.";
    322 CHARGE_MISMATCH lasting "The charge is not the sum of what the session's requests committed to; it may have grown since.";
    323 DEPOSIT_TOO_LOW lasting "The member's deposit is below the governed one; put more into it first.";
    324 DEPOSIT_EXCEEDED lasting "The member's free deposit, less the governed one, does not cover the amount.";
    325 NOTHING_WAITS lasting "Nothing waits in the account.";
    326 PENDING_FULL lasting "As many amounts wait in the account as may; roll over first.";
    327 TRANSFER_INVALID lasting "A proof does not show that the amount is there, or the account has changed since; make it anew.";
    328 SESSION_OWES transient "The session settles nothing any more but owes its provider something, which waits for its collection.";
    329 QUOTA_KEY_IN_USE transient "The member has open sessions, its own or with its lists, that are sealed to the present key; let them end first.";
    330 QUOTA_KEY_UNCHANGED lasting "The member's amounts are sealed to this key already.";

    340 NOT_AN_OBSERVER lasting "Only observers may do this.";
    341 VIEW_FOR_MEMBER lasting "Views are granted to observers alone.";
    342 VIEW_DATES_OUT_OF_RANGE lasting "The last date of the view has passed, or lies too far ahead.";
    343 TOO_MANY_VIEWS transient "The member has granted as many views as it may have; revoke one.";
    344 VIEW_UNKNOWN lasting "No such view, or it was revoked.";
    345 NOT_THE_GRANTOR lasting "Only the member that granted the view may do this.";
    346 NOT_THE_GRANTEE lasting "The view was granted to another party.";
    347 VIEW_NOT_YET transient "The first date of the view has not come.";
    348 VIEW_EXPIRED lasting "The last date of the view has passed.";

    350 DISCLOSURE_DAYS_OUT_OF_RANGE lasting "The demand gives the member fewer or more days than the members allow.";
    351 TOO_MANY_DISCLOSURES transient "As many demands of this supervisor on this member are open as may be; wait for an answer.";
    352 DISCLOSURE_UNKNOWN lasting "No such demand, or it is closed and made room for others.";
    353 NOT_THE_DISCLOSING_MEMBER lasting "Only the member that has to disclose may answer.";
    354 DISCLOSURE_CLOSED lasting "The demand is answered, or its time was up.";
    355 DISCLOSURE_DEADLINE_PASSED lasting "The last date for the answer has passed.";

    360 CODE_VERSION_NOT_NEWER lasting "The version is not above the one in force.";
    361 CODE_VERSION_HEIGHT_OUT_OF_RANGE lasting "The height has passed, or lies too far ahead.";

    370 TOO_MANY_RECUSALS lasting "As many members have stepped down from panels of this dispute as may.";
    371 NO_SUBSTITUTE lasting "There is nobody who could take the place.";
}
