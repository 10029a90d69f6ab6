"""What a reviewer would say about a card: placeholders, contradictions, what the Hub misreads, what is private."""

from cardcallback.check.finding import Finding, Severity
from cardcallback.check.whole import check_card

__all__ = ["Finding", "Severity", "check_card"]
