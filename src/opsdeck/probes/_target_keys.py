"""What the shipped items take from their targets, by kind of target: key -> what it means."""

from __future__ import annotations

ITEM_KEYS: dict[str, dict[str, str]] = {
    "web": {
        "api_auth": "whether api_paths, api_data and performance_path are asked with the token",
        "api_data": "list of { path, has } tables: known records and what must be in them",
        "api_paths": "list of API routes that must answer 2xx",
        "asset_path": "a script or style sheet with a hash in its name, or its whole url",
        "certificate_hosts": "every HOST or HOST:PORT whose certificate is watched weekly",
        "closed_ports": "ports that a firewall must drop, seen from where OpsDeck runs",
        "cors_path": "a path that answers cross-origin requests",
        "csrf_form_path": "a page or route that gives out the token against forged requests",
        "csrf_path": "a path that a form posts to, harmless if it went through (staging)",
        "dependencies_path": "the health document that lists the application's dependencies",
        "feature_paths": "list of pages of the key features, shown beside the tick",
        "firewall_hosts": (
            'list of the servers behind a balancer, each with a port that is open: "203.0.113.7:22"'
        ),
        "integrations": 'list of the names that must be in it, e.g. ["stripe", "mail"]',
        "maintenance_url": "where the maintenance page can be seen beforehand",
        "origin": "the front end's origin, e.g. https://www.example.com",
        "page_path": "a page that visitors see",
        "page_text": "a text that must be in it",
        "performance_path": "a read-only route whose speed matters",
        "private_path": "a path that needs a login and changes nothing",
        "rate_limit_burst": "how many requests a burst sends (2 to 200)",
        "rate_limit_path": "a path with a rate limit",
        "session_cookie": "NAME=VALUE of a test account's session, as ${VARIABLE}",
        "witness_port": (
            "a port of the same host that must be open, so that silence means a firewall"
        ),
    },
    "mongodb": {
        "cores": "cores the database's machine should have",
        "expected": (
            "host/database that the URI should lead to, e.g. db1.example.com/shop (any host "
            "of the set)"
        ),
        "jobs_collection": "Agenda's collection of background jobs, e.g. agendaJobs",
        "jobs_finish_minutes": "some job must have finished within so many minutes",
        "max_processes": (
            "instances x workers at the scaling maximum: each has a pool of maxPoolSize"
        ),
        "memory_gb": "memory the database's machine should have",
        "migrations": "glob of the migration files below path",
        "migrations_collection": "where the migration tool keeps its record (fileName, appliedAt)",
        "quiet_s": "seconds that a quiet site may take until something is asked of its database",
        "users_collection": "accounts with createdAt, for the count of new ones",
        "wanted_indexes": 'indexes the release needs: { orders = ["customer, -created"] }',
    },
    "aws": {
        "account": "the account number (text) the credentials must belong to",
        "agent_namespace": "CloudWatch namespace the agent writes memory and disk use to",
        "alarm_prefix": "what names of the alarms that count begin with",
        "auto_scaling_group": "name of the application's auto-scaling group",
        "backup_bucket": "the bucket that database dumps are put into",
        "backup_bytes_min": "no whole dump is smaller than so many bytes",
        "backup_copy_bucket": "the bucket in another region that holds copies of the dumps",
        "backup_copy_region": "its region",
        "backup_prefix": "where in the bucket they are",
        "cache_cluster": "id of the ElastiCache cluster",
        "client_errors_percent_max": "the most 4xx answers that are acceptable, in percent",
        "daily_cost_max": "the most a day may cost, in the bill's currency",
        "database_alarm_prefix": "what names of the database's alarms begin with",
        "database_arn": "ARN of the database's cluster, instance or volume, as AWS Backup names it",
        "database_ids": (
            "what dimensions of its alarms name it by: the cluster and its instances, e.g. "
            '["orders", "orders-1"]; [] for whatever is in database_namespace'
        ),
        "database_namespace": (
            "CloudWatch namespace of the database's metrics: AWS/DocDB, AWS/RDS, or your exporter's"
        ),
        "dr_auto_scaling_group": "name of the auto-scaling group there",
        "dr_region": "the region to move to",
        "edge_region": "the region that keeps CloudFront's certificates",
        "free_addresses": "how many addresses each subnet must have free",
        "hosted_zone_id": "the Route 53 zone with the failover records",
        "instance_filters": (
            "which instances count, as EC2's filters, e.g. "
            '[{ Name = "tag:env", Values = ["production"] }]'
        ),
        "instance_type": "the type every instance of the group should have",
        "load_balancer": (
            "the application load balancer as CloudWatch names it, the end of its ARN: app/NAME/ID"
        ),
        "log_group": "the application's log group in CloudWatch Logs",
        "network_gbps_min": "the least baseline bandwidth each instance needs, in Gbit/s",
        "p95_s_max": "the slowest p95 that is acceptable, in seconds",
        "requests_5min_max": "the most requests in five minutes that you expect",
        "target_groups": "names of the target groups that count",
        "uploads_bucket": "the bucket with users' uploads",
        "vpc_ids": "the VPCs that count",
        "world_ports": "ports that may be open to the whole world",
    },
    "repository": {
        "backup_page": "where the section on backups is looked for",
        "breach_page": "where the plan for a breach is looked for",
        "client_notification_page": "where the procedure for telling clients is looked for",
        "deployment_page": "where the section on the deployment strategy is looked for",
        "env_example": "the example that documents every variable",
        "env_file": (
            'the env file that production runs with, relative to path ("" in session-secrets '
            "and error-tracking: OpsDeck's own environment)"
        ),
        "error_tracking_variable": "the variable that configures error tracking",
        "escalation_page": "where the section on escalation is looked for",
        "eslint": "the ESLint to run, relative to npm_dir",
        "notification_page": "where the section on telling stakeholders is looked for",
        "npm_dir": "the folder of package.json",
        "pages": "the pages that are reviewed monthly",
        "response_team_page": "where the section on the incident response team is looked for",
        "restore_page": "where the section on restoring is looked for",
        "retention_page": "where the section on retention is looked for",
        "review_page": "where the section on post-incident reviews is looked for",
        "rollback_page": "where the section on rolling back is looked for",
        "rpo_page": "where the figure of the RPO is looked for",
        "rto_page": "where the figure of the RTO is looked for",
        "runbook_pages": "the runbooks whose age is shown beside the tick",
        "secrets_ignore": "folders and patterns that the search for secrets leaves out",
        "security_contacts_page": "where the section on security contacts is looked for",
        "session_secrets": "the variables that hold session secrets",
        "support_page": "where the section on support contacts is looked for",
        "variables_ignore": "folders and patterns of code whose variables need not be documented",
    },
    "host": {
        "disks": "folders whose disks count (default: every real file system)",
        "services": "names, programs or scripts of the processes that must run here",
    },
}
"""Their defaults stand in the catalog, in the placeholders that name them."""
