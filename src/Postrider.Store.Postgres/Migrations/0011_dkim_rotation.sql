-- The DKIM key that follows, until its record is seen in DNS: mail is signed with the old one meanwhile.
alter table domain add column next_selector text;
alter table domain add column next_sealed_key bytea;
