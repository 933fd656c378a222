"""Which rules of a scanner's content speak for which safeguard. Pure.

Rules are those of ComplianceAsCode, by the end of their ids; the judgement which of them speaks for
what is ours. Content of a site's own says it itself, by an `ident` of the system named here.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from adapters.compliance.kinds import SCANNED

SYSTEM: Final = "urn:ethops:cis-8.1"
"""The system of an `ident` that is a safeguard's number."""
CONTENT: Final = "xccdf_org.ssgproject.content_rule_"

_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "3.3": (
        *("file_permissions_etc_gshadow", "file_permissions_etc_passwd"),
        *("file_permissions_etc_shadow", "file_owner_etc_shadow", "file_groupowner_etc_shadow"),
    ),
    "4.3": ("accounts_tmout", "dconf_gnome_screensaver_lock_enabled", "sshd_set_idle_timeout"),
    "4.4": (
        *("set_iptables_default_rule", "service_iptables_enabled", "service_ufw_enabled"),
        *("service_nftables_enabled", "service_firewalld_enabled", "ufw_only_required_services"),
    ),
    "4.6": (
        *("package_inetutils-telnetd_removed", "package_telnetd-ssl_removed"),
        *("package_telnetd_removed", "package_rsh-server_removed", "package_vsftpd_removed"),
        *("package_telnet-server_removed", "sshd_allow_only_protocol2"),
    ),
    "4.7": ("no_empty_passwords", "no_empty_passwords_etc_shadow", "snmpd_not_default_password"),
    "5.2": (
        *("accounts_password_pam_minlen", "package_pam_pwquality_installed"),
        *("accounts_password_pam_unix_remember", "accounts_password_pam_pwhistory_remember"),
    ),
    "5.3": ("account_disable_post_pw_expiration",),
    "5.4": (
        *("no_direct_root_logins", "sshd_disable_root_login", "sudo_remove_no_authenticate"),
        "sudo_require_authentication",
    ),
    "7.3": ("dnf-automatic_apply_updates", "security_patches_up_to_date"),
    "8.2": (
        *("package_audit_installed", "service_auditd_enabled", "package_rsyslog_installed"),
        *("service_rsyslog_enabled", "service_systemd-journald_enabled"),
    ),
    "8.3": (
        *("auditd_data_retention_max_log_file_action", "auditd_data_retention_space_left_action"),
        "auditd_data_retention_admin_space_left_action",
    ),
    "10.3": ("kernel_module_usb-storage_disabled", "service_autofs_disabled"),
}
RULES: Final[Mapping[str, str]] = {
    f"{CONTENT}{rule}": safeguard for safeguard, rules in _OF.items() for rule in rules
}
"""Id of a rule -> the safeguard that it speaks for."""


def safeguards(rule: str, idents: Iterable[str]) -> frozenset[str]:
    """Return what a rule speaks for: as its content says, else as the table does."""
    own = frozenset(one for one in idents if one in SCANNED)
    return own or frozenset({RULES[rule]} if rule in RULES else ())


def short(rule: str) -> str:
    """Return a rule's name where it is one of the table; what others call theirs is not ours."""
    return rule.removeprefix(CONTENT) if rule in RULES else ""
