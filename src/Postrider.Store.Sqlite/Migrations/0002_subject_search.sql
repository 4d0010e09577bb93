-- Substrings of subjects. Written with each message: its number, in the order of commits, which ids are not quite. What is past
-- subject_indexed is still to be indexed, in the background. autoincrement: a number that came twice would hide a message.
create table subject_row (
    no integer primary key autoincrement,
    tenant_id blob not null,
    message_id blob not null
);

create table subject_indexed (
    id integer primary key check (id = 1),
    no integer not null                                     -- all up to this one are in subject_gram
);

-- A row a subject, by subject_row.no: its trigrams, each with its tenant, as the words that SubjectGrams makes. No text and no
-- positions are kept: what the index finds is read again in message.
create virtual table subject_gram using fts5 (gram, content = '', detail = none, columnsize = 0, tokenize = 'ascii');

insert into subject_indexed (id, no) values (1, 0);

-- Those that are there already: one pass over the messages.
insert into subject_row (tenant_id, message_id) select tenant_id, id from message;
