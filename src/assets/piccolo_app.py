"""Piccolo's view of the database: one app with every feature's rows, and its migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, AppRegistry, table_finder

from assets.db import DB

__all__ = ["APP_CONFIG", "APP_REGISTRY", "DB"]
FEATURES = (
    "places",
    "access",
    "audit",
    "inventory",
    "inventory.agents",
    "inventory.batches",
    "inventory.kits",
    "inventory.observed",
    "inventory.saved_filters",
    "inventory.stock",
    "inventory.transfers",
    "inventory.labels",
    "inventory.paper_forms",
    "inventory.stocktakes",
    "inventory.disposal",
    "inventory.reminders",
    "inventory.attachments",
    "monitoring",
    "incidents",
    "incidents.faults",
    "notifications",
    "equipment_requests",
    "equipment_requests.approval_rules",
    "equipment_requests.delegations",
    "equipment_requests.working_calendar",
    "readiness",
)
APP_CONFIG = AppConfig(
    app_name="assets",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=table_finder([f"assets.{feature}.tables" for feature in FEATURES], exclude_imported=True),
    migration_dependencies=[],
)
APP_REGISTRY = AppRegistry(apps=["assets.piccolo_app"])
