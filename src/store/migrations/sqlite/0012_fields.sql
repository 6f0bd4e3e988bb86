-- Only PostgreSQL has something to do here; both databases count the same steps.
SELECT 1;
