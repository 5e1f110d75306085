"""S3: buckets with all their configurations, and their policies."""
