-- Agents may be cordoned, and may be quarantined: a word that older programs cannot read.

UPDATE agents SET record = json_set(record, '$.cordoned', json('false'));
