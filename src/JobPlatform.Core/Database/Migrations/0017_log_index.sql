-- What is rare in both, such as what is critical in one part, is found at once.
CREATE INDEX error_logs_by_level_and_category ON jobplatform.error_logs (level, category, id);
