"""Runbooks as well-known projects write them: the commands, each in its step."""

from __future__ import annotations

import textwrap

import pytest

from opsdeck.catalog.playbook_read import read_playbook

Found = list[tuple[str, str]]
"""The title of the step, and the text of the command."""

RUNBOOKS: dict[str, tuple[str, Found]] = {
    "an alert of a Prometheus operator": (
        """\
        ---
        title: Kube Pod Crash Looping
        weight: 20
        ---

        # KubePodCrashLooping

        ## Meaning

        A pod restarts again and again.

        <details>
        <summary>Full context</summary>

        Look for `exit code 137`.

        </details>

        ## Diagnosis

        - Look at its events:

          ```shell
          $ kubectl -n $NAMESPACE describe pod $POD
          ```

        - and at what it said before:

        ```shell
        kubectl -n $NAMESPACE logs $POD --previous
        ```

        ## Mitigation

        Roll it back.
        """,
        [
            ("Diagnosis", "kubectl -n $NAMESPACE describe pod $POD"),
            ("Diagnosis", "kubectl -n $NAMESPACE logs $POD --previous"),
        ],
    ),
    "an alert of OpenShift": (
        """\
        # etcdMembersDown

        ## Diagnosis

        Log in to a master and get a shell in its pod:

        ```console
        $ oc rsh -n openshift-etcd etcd-master-0
        sh-4.4# etcdctl endpoint health \\
            --cluster
        https://10.0.0.1:2379 is healthy
        ```

        ## Mitigation

        ```console
        # where it is full
        $ oc adm drain node/a --force
        node/a drained
        ```
        """,
        [
            ("Diagnosis", "oc rsh -n openshift-etcd etcd-master-0"),
            ("Diagnosis", "etcdctl endpoint health \\\n    --cluster"),
            ("Mitigation", "oc adm drain node/a --force"),
        ],
    ),
    "a runbook of GitLab": (
        """\
        <!-- MARKER: do not edit this section directly -->

        # Redis is down

        **Table of Contents**

        [[_TOC_]]

        ## Reach it

        ```
        ssh redis-01
        ```

        1. Say who is the primary:

            ```shell
            redis-01:~ me$ sudo gitlab-redis-cli role
            ```

        1. Fail over:

            ```sh
            me@redis-01:~$ sudo gitlab-redis-cli sentinel failover x
            OK
            ```

        <!-- ## Old way
        ```sh
        rm -rf /var/opt/redis
        ```
        -->
        """,
        [
            ("Reach it", "sudo gitlab-redis-cli role"),
            ("Reach it", "sudo gitlab-redis-cli sentinel failover x"),
        ],
    ),
    "an operations manual by a template": (
        """\
        # Service or system overview
        ## Business overview
        > What need is met by this service?

        (e.g. _Provides reporting_)

        # System operation
        ## Operational tasks
        ### Batch processing
        ```bash
        #!/bin/bash
        set -eu
        run-batch --date "$(date +%F)"
        ```
        ## Failure and Recovery Procedures
        ### Failover
        (e.g. run `sudo failover`)

            $ sudo failover --to b
            done
        """,
        [
            ("Operational tasks", '#!/bin/bash\nset -eu\nrun-batch --date "$(date +%F)"'),
            ("Failure and Recovery Procedures", "sudo failover --to b"),
        ],
    ),
    "a page of Kubernetes": (
        """\
        ---
        title: "Safely Drain a Node"
        content_type: task
        min-kubernetes-server-version: 1.5
        ---

        <!-- overview -->
        This page shows how to drain a node.

        ## {{% heading "prerequisites" %}}

        {{< include "task-tutorial-prereqs.md" >}}

        ## Use `kubectl drain` {#use-kubectl-drain}

        {{< note >}}
        Not for daemons.
        {{< /note >}}

        ```shell
        kubectl drain --ignore-daemonsets <node name>
        ```

        The output is similar to:

        ```none
        node/a drained
        ```

        {{< tabs name="how" >}}
        {{% tab name="Linux" %}}
        ```shell
        kubectl uncordon a
        ```
        {{% /tab %}}
        {{< /tabs >}}
        """,
        [
            ("Use `kubectl drain`", "kubectl drain --ignore-daemonsets <node name>"),
            ("Use `kubectl drain`", "kubectl uncordon a"),
        ],
    ),
    "tabs and notes of MkDocs": (
        """\
        # Upgrade

        ## Back up

        === "Debian"

            First of all:

            ```bash title="backup"
            sudo pg_dumpall > all.sql

            ls -l all.sql
            ```

        === "RHEL"

            ``` bash
            sudo dnf install pg
            ```

        !!! warning "Watch the disk"
            ```sh
            df -h /
            ```

        ???+ note

            !!! tip
                ```sh
                du -sh .
                ```

        ## Restart

        ```sh hl_lines="1"
        systemctl restart pg
        ```
        """,
        [
            ("Back up", "sudo pg_dumpall > all.sql\n\nls -l all.sql"),
            ("Back up", "sudo dnf install pg"),
            ("Back up", "df -h /"),
            ("Back up", "du -sh ."),
            ("Restart", "systemctl restart pg"),
        ],
    ),
    "a page of Hugo": (
        """\
        +++
        title = "Failover"
        weight = 10
        +++

        ## Look

        {{< highlight "bash" "linenos=table,hl_lines=1" >}}
        haproxy -c -f /etc/haproxy.cfg
        {{< /highlight >}}

        {{< highlight bash >}}systemctl status haproxy{{< /highlight >}}

        ## Act

        {{< text bash >}}
        $ kubectl apply -f - <<EOF
        kind: Gateway
        EOF
        gateway created
        {{< /text >}}

        {{< command >}}
        systemctl reload haproxy
        {{< /command >}}
        """,
        [
            ("Look", "haproxy -c -f /etc/haproxy.cfg"),
            ("Look", "systemctl status haproxy"),
            ("Act", "kubectl apply -f - <<EOF\nkind: Gateway\nEOF"),
            ("Act", "systemctl reload haproxy"),
        ],
    ),
    "a page of MyST": (
        """\
        (runbook-x)=
        # Refresh

        ## Stop

        ```{code-block} bash
        :caption: Stop it
        :linenos:

        systemctl stop x
        ```

        ## Begin

        ```{note}
        rm -rf / is no command here
        ```

        ```{code-block} console
        $ systemctl start x
        ```
        """,
        [
            ("Stop", "systemctl stop x"),
            ("Begin", "systemctl start x"),
        ],
    ),
    "a page of Jekyll": (
        """\
        ---
        layout: page
        title:  "Cut over"
        date:   2026-01-02 03:04:05 +0100
        ---

        ## Freeze

        {% highlight bash linenos %}
        deploy freeze
        {% endhighlight %}

        {% include warning.html %}

        ## Move

        {% highlight ruby %}
        puts 1
        {% endhighlight %}

        ~~~ sh
        deploy move
        ~~~
        {: .nolineno }
        """,
        [("Freeze", "deploy freeze"), ("Move", "deploy move")],
    ),
    "a list that fences cut": (
        """\
        # Rotate the key

        1. Make a new one:
        ```bash
        openssl genrsa -out new.pem
        ```
        2. Lay it there

        As root:
        ```bash
        install -m 600 new.pem /etc/x/
        ```
        3. Begin anew
        ```bash
        systemctl restart x
        ```
        """,
        [
            ("Make a new one:", "openssl genrsa -out new.pem"),
            ("Lay it there", "install -m 600 new.pem /etc/x/"),
            ("Begin anew", "systemctl restart x"),
        ],
    ),
    "sessions of many hands": (
        """\
        ## Look

        ```console
        [root@db ~]# psql -c 'select
        > 1'
         1
        db:~ me$ uptime
        ```

        ```{#free .bash}
        free -m
        ```

        ```tcsh
        who
        ```

        ```/bin/bash
        last
        ```
        """,
        [
            ("Look", "psql -c 'select\n1'"),
            ("Look", "uptime"),
            ("Look", "free -m"),
            ("Look", "who"),
            ("Look", "last"),
        ],
    ),
    "a wiki's page with rules": (
        """\
        ---

        This page is **old**.

        ---

        # Page

        ### Look

            $ df -h
            /dev/sda1

        ### Act

        > ```sh
        > rm -rf /var/tmp/x
        > ```
        """,
        [("Look", "df -h"), ("Act", "rm -rf /var/tmp/x")],
    ),
}


@pytest.mark.parametrize("name", RUNBOOKS)
def test_every_command_is_found_in_its_step(name: str) -> None:
    # GIVEN a runbook in somebody's style
    text, expected = RUNBOOKS[name]
    # WHEN it is read
    playbook = read_playbook(textwrap.dedent(text).encode(), "x")
    # THEN its commands are those that its author meant, each in the step it stands in
    assert [(step.title, command.text) for step, command in playbook.commands()] == expected
    assert playbook.faults == ()
    # AND each stands in the line that it names
    lines = playbook.text.split("\n")
    for _, command in playbook.commands():
        assert command.text.split("\n")[0].strip() in lines[command.line - 1]
