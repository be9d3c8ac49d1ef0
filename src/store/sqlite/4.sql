-- Schema 4. What an operator asks of people besides name and address, as a JSON object.

ALTER TABLE people ADD COLUMN fields TEXT;
