"""The verbs of the command line. Each is one entry of this table."""

from __future__ import annotations

from purview_mpe._cli import explaining, exporting, finding, fleets, options, validating
from purview_mpe._cli import local as running
from purview_mpe._cli import own_network as own
from purview_mpe._cli import reading as looking
from purview_mpe._cli import writing as acting
from purview_mpe._cli.call import Verb

_REACH = (options.connection_options, options.output_options)
_REACH_TO_PURVIEW = (options.catalog_options, options.output_options)
_ENDS = '--factory "$FACTORY" --account "$ACCOUNT" --name purview'

#: In the order of the help, which follows the job.
VERBS: tuple[Verb, ...] = (
    Verb(
        "demo",
        "watch the whole job on an embedded emulator: no account, no network",
        """\
Runs the real library against an emulated Azure inside this process: an
account is read, a plan is made, four endpoints are created and approved, a
second run keeps all four, and a conflict is explained. Takes some seconds.""",
        running.demo,
        (running.demo_options,),
        ("purview-mpe demo", "purview-mpe demo -o json"),
    ),
    Verb(
        "discover",
        "what a Purview account needs: its firewall, its shape, its targets",
        """\
Reads the account; writes nothing. Needs Reader on it: without that, only the
account endpoint is known.""",
        looking.discover,
        (options.account_option, *_REACH),
        ('purview-mpe discover --account "$ACCOUNT"', "purview-mpe discover --spec sales.json -o json"),
    ),
    Verb(
        "check",
        "whether everything is in place, before anything is written",
        """\
Reads account and factory, its integration runtimes, and your permissions;
writes nothing. Works with any role, and Reader on both shows most. Exits 0 if
nothing is wrong, 1 otherwise.""",
        looking.check,
        (options.spec_options, fleets.fleet_option, *_REACH_TO_PURVIEW),
        (f"purview-mpe check {_ENDS}", "purview-mpe check --spec sales.json -o json | jq .findings"),
    ),
    Verb(
        "plan",
        "what must be created, and what exists; writes nothing",
        """\
Reads the account and the factory; writes nothing. Needs Reader on both.
Steps are marked + create, = keep, ~ replace, ! conflict.""",
        looking.plan,
        (options.spec_options, fleets.fleet_option, looking.plan_options, *_REACH),
        (
            f"purview-mpe plan {_ENDS}",
            "purview-mpe plan --spec sales.json --out plan.json",
            "purview-mpe plan --spec sales.json --fail-on-changes  # for a pipeline",
        ),
    ),
    Verb(
        "create",
        "create the missing endpoints, and wait until they are provisioned",
        """\
Reads what plan reads; writes managed private endpoints and, if it is
missing, the managed virtual network. Needs Data Factory Contributor on the
factory, and nothing on the targets. Safe to repeat: what exists is kept.
Endpoints end as Pending: the owners of the targets must approve them, or you
do so in the same run with --approve, if you have the rights that approve
needs.""",
        acting.create,
        (options.spec_options, fleets.fleet_options, acting.create_options, *_REACH),
        (
            f"purview-mpe create {_ENDS}",
            "purview-mpe create --spec sales.json --dry-run",
            "purview-mpe create --plan plan.json -o json > report.json",
            "purview-mpe create --fleet fleet.csv --approve --dry-run",
            "purview-mpe create --fleet fleet.csv --journal f.jsonl --resume f.jsonl",
        ),
    ),
    Verb(
        "approve",
        "approve the connections that are provably yours, and no others",
        """\
Reads the account, the factory if you are allowed to, and the connections of
the targets; writes the state of your own pending connections. Needs
Contributor on the Purview account, Storage Account Contributor on managed
storage and Contributor on a managed Event Hubs namespace; nothing on the
factory. Safe to repeat. Writes down what you are not allowed to approve, for
those who are (exit 4).""",
        acting.approve,
        (options.endpoint_options, fleets.fleet_option, acting.approve_options, *_REACH),
        (
            f"purview-mpe approve {_ENDS}",
            "purview-mpe approve --report report.json  # from the one who created them",
            "purview-mpe approve --spec sales.json --hand-off please-approve.txt",
        ),
    ),
    Verb(
        "reject",
        "reject the pending connections that are provably yours",
        """\
Reads, writes and needs what approve does; approved connections are left alone.
A rejected endpoint never works again: it must be deleted, or created again.
Asks first, or needs --yes.""",
        acting.reject,
        (options.endpoint_options, acting.reject_options, *_REACH),
        ("purview-mpe reject --spec sales.json --dry-run", "purview-mpe reject --report report.json --yes"),
    ),
    Verb(
        "status",
        "one verdict per endpoint, and whether all of them are ready",
        """\
Reads the account, the factory and the connections of the targets; writes
nothing. Needs Reader on the factory; without Reader on the targets only the
factory's side is shown. Exits 0 if all endpoints are ready, 4 if only approval
or provisioning is missing, and 1 otherwise.""",
        looking.status,
        (options.endpoint_options, fleets.fleet_option, *_REACH),
        (
            f"purview-mpe status {_ENDS}",
            "purview-mpe status --spec sales.json -o json | jq .ready",
            "purview-mpe status --fleet fleet.csv",
        ),
    ),
    Verb(
        "watch",
        "the status, again each time that it changes, until it is final",
        """\
Reads what status reads, again and again; writes nothing. Ends when nothing is
pending or provisioning any more, or after --timeout; exits as status does.
JSON is one line per status.""",
        looking.watch,
        (options.endpoint_options, looking.watch_options, *_REACH),
        (
            "purview-mpe watch --spec sales.json",
            "purview-mpe watch --spec sales.json --every 1m --timeout 1h -o json",
        ),
    ),
    Verb(
        "diagnose",
        "why lineage does not arrive",
        """\
Walks the whole chain: support matrix, runtimes, the factory's connection to the
account, endpoints, approval on both sides, names, rights, and what recent
pipeline runs reported. Writes nothing. Needs Reader on factory, account and
targets; what you cannot read becomes a finding. Exits 0 if nothing prevents
lineage, 1 otherwise.""",
        looking.diagnose,
        (options.endpoint_options, looking.diagnose_options, *_REACH_TO_PURVIEW),
        (f"purview-mpe diagnose {_ENDS}", "purview-mpe diagnose --spec sales.json --since 7d"),
    ),
    Verb(
        "connect",
        "connect the factory to the account, so that lineage is reported there",
        """\
Reads account and factory; writes the whole factory back, with the account set
and everything else unchanged. Needs Data Factory Contributor on the factory.
Safe to repeat. Without --replace, a factory that is connected elsewhere stays
so.""",
        acting.connect,
        (options.ends_options, acting.connect_options, *_REACH),
        ("purview-mpe connect --spec sales.json", "purview-mpe connect --spec sales.json --replace"),
    ),
    Verb(
        "disconnect",
        "remove the factory's connection to the account",
        """\
Reads the factory; writes it back whole, without the account and with
everything else unchanged. Needs Data Factory Contributor on the factory. Safe
to repeat. A connection to an account other than the spec's stays.""",
        acting.disconnect,
        (options.ends_options, *_REACH),
        ("purview-mpe disconnect --spec sales.json", "purview-mpe disconnect --spec sales.json -o json"),
    ),
    Verb(
        "grant",
        "make the factory's identity Data Curator, so that it can push lineage",
        """\
Reads the factory, the account and the metadata policy of its root collection;
writes that policy back with one identity added. Needs Collection administrator
on the root collection, from inside the network of a closed account. Safe to
repeat. Writes down what you are not allowed to do, for those who are
(exit 4).""",
        acting.grant,
        (options.ends_options, acting.grant_options, *_REACH_TO_PURVIEW),
        (f"purview-mpe grant {_ENDS}", "purview-mpe grant --spec sales.json --dry-run"),
    ),
    Verb(
        "revoke",
        "take the role Data Curator away from the factory's identity",
        """\
Reads, writes and needs what grant does. Safe to repeat.""",
        acting.revoke,
        (options.ends_options, acting.revoke_options, *_REACH_TO_PURVIEW),
        (f"purview-mpe revoke {_ENDS}", "purview-mpe revoke --spec sales.json --dry-run"),
    ),
    Verb(
        "onboard",
        "every step from a bare factory to one that can push lineage",
        """\
Switches on the factory's identity and connects it, makes the managed virtual
network, an integration runtime in it and the endpoints, approves with
--approve, and makes the identity Data Curator. Needs what create, approve,
connect and grant need. Safe to repeat: a second run writes nothing.""",
        acting.onboard,
        (options.spec_options, fleets.fleet_options, acting.onboard_options, *_REACH_TO_PURVIEW),
        (f"purview-mpe onboard {_ENDS}", "purview-mpe onboard --spec sales.json --approve --dry-run"),
    ),
    Verb(
        "offboard",
        "revoke the role, disconnect, and delete the endpoints",
        """\
Reads, writes and needs what revoke, disconnect and delete do. The integration
runtime, the managed virtual network and the identity stay. Safe to repeat.
Asks first, or needs --yes.""",
        acting.offboard,
        (options.endpoint_options, acting.offboard_options, *_REACH_TO_PURVIEW),
        ("purview-mpe offboard --spec sales.json --dry-run", "purview-mpe offboard --spec sales.json --yes"),
    ),
    Verb(
        "prove",
        "whether lineage arrives: follow one run into Purview's catalog",
        """\
Starts a pipeline of yours once, or takes an existing run; reads what its
activities report and what Purview's catalog holds. Needs Data Factory
Contributor on the factory and, for the catalog, Data Reader on the root
collection. Exits 0 if the lineage is there, 1 otherwise.""",
        looking.prove,
        (options.ends_options, looking.prove_options, *_REACH_TO_PURVIEW),
        (
            "purview-mpe prove --spec sales.json --pipeline copy-sales",
            'purview-mpe prove --spec sales.json --run "$RUN"',
        ),
    ),
    Verb(
        "delete",
        "delete the endpoints of this spec, and wait until they are gone",
        """\
Reads the account and the factory's endpoints; deletes those that serve this
spec, under whatever name, and no others. Needs Data Factory Contributor on the
factory and Reader on the account. Safe to repeat. Asks first, or needs --yes.""",
        acting.delete,
        (options.endpoint_options, fleets.fleet_options, acting.delete_options, *_REACH),
        (f"purview-mpe delete {_ENDS}", "purview-mpe delete --spec sales.json --yes"),
    ),
    Verb(
        "private-endpoints",
        "private endpoints of your own, for self-hosted runtimes and Studio",
        """\
Plans, creates, deletes or shows the private endpoints that a network of yours
needs, with their private DNS zones. Needs Network Contributor on the network's
resource group and Private DNS Zone Contributor on that of the zones; Reader to
plan and to see the status. Safe to repeat: what exists is kept. Needs the
extra network: pip install azure-mgmt-network azure-mgmt-privatedns""",
        own.private_endpoints,
        (options.endpoint_options, own.private_endpoints_options, *_REACH),
        (
            (
                'purview-mpe private-endpoints plan --spec s.json --subnet "$SUBNET" \\\n'
                "    --purpose self-hosted-runtime --dns existing"
            ),
            (
                'purview-mpe private-endpoints create --spec s.json --subnet "$SUBNET" \\\n'
                "    --purpose studio --dns create --approve"
            ),
        ),
    ),
    Verb(
        "find",
        "the factories of a subscription that are connected to an account",
        """\
Lists the factories of a subscription or resource group; writes nothing. Needs
Reader on it. The JSON, and the file of --out, are a file for --fleet.""",
        finding.find,
        (finding.find_options, *_REACH),
        (
            'purview-mpe find --subscription "$SUBSCRIPTION"',
            "purview-mpe find -g rg-data --account contoso --out fleet.csv",
        ),
    ),
    Verb(
        "orphans",
        "what is left over around an account: on its targets, in factories",
        """\
Reads the account, the connections of its targets, and the factories of every
subscription that you can see; writes nothing. Needs Reader on all of these.
What cannot be read is never called gone.""",
        looking.orphans,
        (options.account_option, *_REACH),
        ('purview-mpe orphans --account "$ACCOUNT"', "purview-mpe orphans --spec sales.json -o json"),
    ),
    Verb(
        "export",
        "the endpoints of a plan as code: Bicep, Terraform, ARM, az, PowerShell",
        """\
Prints a plan as code that creates the same: every endpoint, also those that
exist. Reads what plan reads, or nothing at all with --plan; writes nothing but
the file of --out. With --own-subnet it prints instead the private endpoints of
your own that self-hosted runtimes need, with their DNS zones.""",
        exporting.export,
        (options.spec_options, exporting.export_options, options.connection_options, options.verbose_option),
        (
            "purview-mpe export --spec sales.json --format bicep > sales.bicep",
            "purview-mpe export --plan plan.json --format terraform --out sales.tf",
            "purview-mpe export --spec s.json --format az --own-subnet ID --own-location L",
        ),
    ),
    Verb(
        "emulator",
        "serve an emulated Azure over HTTPS on this machine, for any client",
        """\
Prints one line of JSON with endpoint, purview_endpoint, ca_file, subscription,
tenant, factory and account, and serves until it is stopped. Needs cheroot and
trustme: pip install cheroot trustme""",
        running.emulator,
        (running.emulator_options,),
        (
            "purview-mpe emulator --port 8443",
            "purview-mpe emulator --roles requester,data-reader",
            "purview-mpe emulator --scenario two-accounts.yaml --dump after.json",
        ),
    ),
    Verb(
        "validate",
        "whether spec and fleet files can be used; asks Azure nothing",
        """\
Reads the files and reports every wrong field with its line. Sends nothing.
Exits 0 if all files are good, 2 otherwise.""",
        validating.validate,
        (validating.files_argument,),
        ("purview-mpe validate fleet.csv", "purview-mpe validate purview.json fleets/*.csv"),
    ),
    Verb(
        "explain",
        "what a code of an error or finding means, and what to do about it",
        """\
Prints the documentation's page for a code, or for a word such as handed-off or
stale. Reads nothing and needs no network. Without a code it lists them all.""",
        explaining.explain,
        (explaining.code_argument,),
        ("purview-mpe explain access-denied", "purview-mpe explain not-connected"),
    ),
    Verb(
        "completion",
        "the script that completes this command in your shell",
        "Prints a script for bash, zsh or fish.",
        running.completion,
        (running.shell_argument,),
        (
            'eval "$(purview-mpe completion bash)"  # in ~/.bashrc',
            'purview-mpe completion zsh > "${fpath[1]}/_purview-mpe"',
            "purview-mpe completion fish > ~/.config/fish/completions/purview-mpe.fish",
        ),
    ),
)
