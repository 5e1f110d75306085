"""DynamoDB: tables of one region and global ones. A global table is a table here, with replicas elsewhere."""
