-- Who took the processor during a run; runs of before did not look.
UPDATE run SET validity = json_insert(validity, '$.interference', json('[]')) WHERE validity IS NOT NULL;
